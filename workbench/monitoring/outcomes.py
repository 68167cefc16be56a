"""True outcomes that come in late -> Parquet beside the request log, each with the answer that it judges.

The answer is kept with its outcome: quality is known for longer than requests are.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

KEY = ["request", "row"]
_IS = "is_reward"


def new(folder: Path, judged: pd.DataFrame) -> pd.DataFrame:
    """Those outcomes that are new, or other than before."""
    known = kept(folder)
    if not len(known):
        return judged
    same = judged[[*KEY, _IS, "outcome"]].astype(str).agg("\x00".join, axis=1)
    return judged[~same.isin(known[[*KEY, _IS, "outcome"]].astype(str).agg("\x00".join, axis=1))]


def keep(folder: Path, judged: pd.DataFrame) -> int:
    """Write outcomes down (request, row, at, version, outcome, answer, and whether it is a reward rather than what was
    true: is_reward); how many they are.

    Another outcome for the same row takes the place of the first."""
    if len(judged):
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{time.time_ns()}-{os.getpid()}.parquet"
        part = file.with_suffix(".part")
        judged.to_parquet(part, index=False)
        os.chmod(part, 0o600)
        os.replace(part, file)
    return len(judged)


def kept(folder: Path) -> pd.DataFrame:
    """The outcomes, and the rewards, the latest for each row that was asked."""
    import pandas as pd

    parts = [pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))]
    if not parts:
        return pd.DataFrame(columns=[*KEY, "at", "version", "outcome", "answer", _IS])
    parts = [part if _IS in part else part.assign(**{_IS: False}) for part in parts]
    return pd.concat(parts, ignore_index=True).drop_duplicates([*KEY, _IS], keep="last").reset_index(drop=True)
