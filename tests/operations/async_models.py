"""Models that await, and models that yield."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd

AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})


class Awaiting:
    """Opens a queue in `load`, on the loop where `predict` awaits it; waits for others at one age."""

    async def load(self) -> None:
        self.turns: asyncio.Queue[float] = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.together = 0

    async def predict(self, df: pd.DataFrame) -> Any:
        assert asyncio.get_running_loop() is self.loop
        if 77 in df["age"].tolist():
            self.together += 1
            while self.together < 20:
                await asyncio.sleep(0.01)
        if 78 in df["age"].tolist():
            await asyncio.Event().wait()
        if 13 in df["age"].tolist():
            raise ValueError("thirteen is too many")
        await self.turns.put(1.0)
        return df["age"] * 2 * await self.turns.get()


def each_row(df: pd.DataFrame) -> Iterator[float]:
    for age in df["age"]:
        if age == 13:
            raise ValueError("thirteen is too many")
        yield age * 2


def in_pieces(df: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(df), 2):
        part = df.iloc[start : start + 2]
        yield pd.DataFrame({"double": part["age"] * 2, "name": "x"}, index=part.index)


async def one_by_one(df: pd.DataFrame) -> Any:
    for age in df["age"]:
        await asyncio.sleep(0)
        yield {"double": age * 2}


class Gated:
    """Yields the first answer, and the others once a file is gone."""

    def __init__(self, folder: str, times: int = 2) -> None:
        self.gate, self.times = f"{folder}/gate", times

    def predict(self, df: pd.DataFrame) -> Iterator[float]:
        for number, age in enumerate(df["age"]):
            while number and os.path.exists(self.gate):
                time.sleep(0.01)
            yield age * self.times


class Polite(Gated):
    """Likewise, but it yields nothing as long as it waits, so that others have their turn; it says when it is left."""

    def __init__(self, folder: str, times: int = 2) -> None:
        super().__init__(folder, times)
        self.left = f"{folder}/left"

    def predict(self, df: pd.DataFrame) -> Iterator[Any]:
        try:
            for number, age in enumerate(df["age"]):
                while number and os.path.exists(self.gate):
                    time.sleep(0.01)
                    yield []
                yield age * self.times
        finally:
            open(self.left, "w").close()


class PoliteAwaiting(Polite):
    """Likewise, and it awaits."""

    async def predict(self, df: pd.DataFrame) -> Any:  # type: ignore[override]
        try:
            for number, age in enumerate(df["age"]):
                while number and os.path.exists(self.gate):
                    await asyncio.sleep(0.01)
                yield age * self.times
        finally:
            open(self.left, "w").close()


def double(df: pd.DataFrame) -> Any:
    return df["age"] * 2
