"""Models that fail, wait and die on purpose, and clients that ask a service all the time."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from typing import Any

import httpx
import pandas as pd
from waiting import PATIENCE, until

from workbench.operations.figures import of_service

FAILS, WAITS, DIES = 13, 77, 99
NUMBERS = pd.DataFrame({"a": [1.0, 2.0, 3.5], "b": [2.0, 0.5, -1.0]})


def first(df: pd.DataFrame) -> Any:
    """Tells its columns apart, and itself from `second`."""
    return 3 * df["a"] + df["b"]


def second(df: pd.DataFrame) -> Any:
    """Made with the columns the other way round."""
    return 3 * df["a"] + df["b"] + 1000


def by_name(df: pd.DataFrame) -> Any:
    """Of a customer: text and a nullable number."""
    return df["name"].str.len() + df["calls"].fillna(0).astype(float)


def by_who(df: pd.DataFrame) -> Any:
    """Likewise, by another name."""
    return df["who"].str.len() + df["calls"].fillna(0).astype(float)


def unhurried(df: pd.DataFrame) -> Any:
    """Takes as long for many rows as for one."""
    time.sleep(0.005)
    return df["a"] * 2


class Moody:
    """Fails, waits or dies when it is asked about the age that stands for it; while `broken` is there it always dies."""

    def __init__(self, folder: str) -> None:
        self.gate, self.inside, self.broken = (os.path.join(folder, name) for name in ("gate", "inside", "broken"))

    def predict(self, df: Any) -> Any:
        ages = df["age"].tolist()
        if 99 in ages or os.path.exists(self.broken):
            os.kill(os.getpid(), signal.SIGKILL)
        if 13 in ages:
            raise ValueError("thirteen is too many")
        if 77 in ages:
            open(self.inside, "w").close()
        while 77 in ages and os.path.exists(self.gate):
            time.sleep(0.01)
        return df["age"] * 2.0


class Unready:
    """Is not loaded before its gate, a file, is gone."""

    def __init__(self, gate: str) -> None:
        self.gate = gate

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)
        while os.path.exists(self.gate):
            time.sleep(0.01)

    def predict(self, df: Any) -> Any:
        return df["a"] * 2


def headers(service: Any) -> dict[str, str]:
    """What a client sends to be let in."""
    return {"Authorization": f"Bearer {service.token}"}


def client(service: Any) -> httpx.Client:
    """A client of the service."""
    return httpx.Client(base_url=service.url, headers=headers(service), timeout=PATIENCE)


def queued(service: Any) -> int:
    """How many requests wait for the model now."""
    return int(of_service(service.job)["waiting"])


def afresh(service: Any, path: str, **how: Any) -> httpx.Response:
    """The answer over a connection of its own."""
    return httpx.post(f"{service.url}{path}", headers=headers(service), timeout=PATIENCE, **how)


class Load:
    """Clients that ask, each for rows of its own, until the block ends; whatever is answered must be right.

    `seen` counts status and version of the answers, `broken` the connections that were, by the kind of error; `longest`
    is for how many seconds one answer was waited for.
    """

    def __init__(self, service: Any, clients: int = 6) -> None:
        self.service, self.seen, self.broken = service, Counter[tuple[int, str]](), Counter[str]()
        self.wrong: list[str] = []
        self.longest = 0.0
        self.over, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        until(lambda: sum(self.seen.values()) > len(self.threads))
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def answered(self, more: int = 20) -> None:
        """Wait for so many answers from now on."""
        now = sum(self.seen.values())
        until(lambda: sum(self.seen.values()) >= now + more)

    @property
    def failed(self) -> list[Any]:
        """All that went wrong."""
        return [*self.wrong, *(key for key in self.seen if key[0] != 200), *self.broken]

    def _ask(self, number: int) -> None:
        asked = 0
        with client(self.service) as asking:
            while not self.over.is_set():
                asked += 1
                self._once(asking, {"a": float(number * 100_000 + asked), "b": float(number)})

    def _once(self, asking: httpx.Client, row: dict[str, float]) -> None:
        began = time.perf_counter()
        try:
            answer = asking.post("/predict", json=row)
        except httpx.TransportError as error:
            with self.lock:
                self.broken[type(error).__name__] += 1
            return
        self.longest = max(self.longest, time.perf_counter() - began)
        version = answer.headers.get("x-workbench-version", "")
        right = {"prediction": 3 * row["a"] + row["b"] + (1000 if version == "2" else 0)}
        with self.lock:
            self.seen[answer.status_code, version] += 1
            if answer.status_code == 200 and answer.json() != right:
                self.wrong.append(f"{row} by version {version}: {answer.text}")
