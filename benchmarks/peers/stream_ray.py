"""A loop by hand over a log in SQLite that asks actors of Ray: `python -m peers.stream_ray LOG OUTPUT ACTORS`."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections import deque
from itertools import cycle
from typing import Any

import orjson
import ray
from models import predictor, taken

MOST, AHEAD = 1000, 2


class Asking:
    def __init__(self) -> None:
        self.model = predictor()

    def ask(self, values: list[bytes]) -> bytes:
        said = [orjson.loads(value) for value in values]
        answers = self.model(taken(said)).tolist()
        return b"".join(orjson.dumps({"x": x, "prediction": y}) + b"\n" for x, y in zip(said, answers, strict=True))


def main(place: str, output: str, count: int) -> None:
    ray.init(num_cpus=count, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    actors = [ray.remote(num_cpus=1)(Asking).remote() for _ in range(count)]
    log, turn, read = sqlite3.connect(place, isolation_level=None, timeout=60), cycle(actors), 0
    log.execute("create table if not exists done (offset integer primary key)")
    asked: deque[tuple[int, Any]] = deque()
    with open(output, "ab") as file:
        while True:
            while len(asked) < AHEAD * count and (rows := log.execute(_NEXT, (read, MOST)).fetchall()):
                read = rows[-1][0]
                asked.append((read, next(turn).ask.remote([value for _, value in rows])))
            if not asked:
                time.sleep(0.005)
                continue
            offset, answer = asked.popleft()
            file.write(ray.get(answer))
            file.flush()
            os.fsync(file.fileno())
            log.execute("replace into done values (?)", (offset,))


_NEXT = "select offset, value from records where offset > ? limit ?"

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
