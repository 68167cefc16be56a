"""What all loops over a broker share: the model, a file of answers that is on the disk before the broker is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from models import predictor, taken

MOST = 1000


class Answers:
    """Answers records into a file, until the process is ended."""

    def __init__(self, output: Path) -> None:
        self.model, self.file = predictor(), output.open("ab")

    def __call__(self, values: list[bytes]) -> None:
        said = [orjson.loads(value) for value in values]
        answers = self.model(taken(said)).tolist()
        pairs = zip(said, answers, strict=True)
        self.file.write(b"".join(orjson.dumps({"x": x, "prediction": y}) + b"\n" for x, y in pairs))
        self.file.flush()
        os.fsync(self.file.fileno())


def main(loops: dict[str, Callable[[str, str, Answers], Any]]) -> None:
    """`python -m peers.NAME KIND ADDRESS TOPIC OUTPUT`"""
    kind, address, topic, output = sys.argv[1:]
    loops[kind](address, topic, Answers(Path(output)))
