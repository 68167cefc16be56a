"""In a process of its own for each model: what it answers to the kept rows, beside what the kernel answered."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

import numpy as np
import pandas as pd

import workbench


def compare(name: str, kept: Path) -> str:
    os.environ.update(json.loads((kept / f"{name}.env").read_text()))
    for file in sorted(kept.glob(f"{name}.*.rows")):
        rows, wanted = pd.read_pickle(file), pd.read_pickle(file.with_suffix(".answer"))
        answer = workbench.predict(name, pd.DataFrame(rows) if isinstance(rows, np.ndarray) else rows)
        column = next(c for c in answer.columns if c in ("prediction", "score"))
        np.testing.assert_array_equal(np.asarray(answer[column]), np.asarray(wanted))
    return "equal"


def main(kept: Path) -> None:
    for name in sorted(file.stem for file in kept.glob("*.env")):
        sys.stdout.flush()
        if not (child := os.fork()):
            try:
                print(name, compare(name, kept), flush=True)
            except BaseException:
                print(name, "differs: " + traceback.format_exc().replace("\n", " | "), flush=True)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
