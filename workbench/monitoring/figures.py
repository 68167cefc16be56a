"""The file of a deployment's metrics -> what all its processes have counted: in all, of late, or by one version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, sub
from pathlib import Path

from .metrics import ARM, ARM_WIDTH, ARMS, AT, BLOCKS, BOUNDS, NOW, OF_VERSIONS, OUTCOMES, SIZES, SLOT, STAGES, WIDTH

_OWN, _LATELY_BEFORE = BLOCKS.index("now"), BLOCKS.index("before")
Block = Sequence[float]


@dataclass(frozen=True)
class Figures:
    """What was counted, as the sum over processes, laid out as a block of `metrics`; times in seconds. `running` of
    them count now; the longest call of a model that goes on began at `calling`, and the last one at `last`, or 0."""

    block: Block
    running: int
    calling: float
    last: float

    def _one(self, name: str) -> float:
        return self.block[AT[name]]

    def _many(self, name: str, count: int) -> Block:
        return self.block[AT[name] : AT[name] + count]

    @property
    def waiting(self) -> int:
        """Requests that wait for the model now."""
        return int(self._one("waiting"))

    @property
    def in_flight(self) -> int:
        """Requests that have come and have no answer yet."""
        return int(self._one("in_flight"))

    @property
    def rows(self) -> int:
        """Rows that were predicted."""
        return int(self._one("rows"))

    @property
    def calls(self) -> int:
        """Calls of the model."""
        return int(self._one("calls"))

    @property
    def statuses(self) -> dict[int, int]:
        """How many requests were answered with each status."""
        return {status: int(n) for status, n in enumerate(self._many("statuses", 500), 100) if n}

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    @property
    def failures(self) -> int:
        """Requests that were refused or failed."""
        return sum(n for status, n in self.statuses.items() if status >= 400)

    @property
    def refused(self) -> int:
        """Those of them that were wrong, or too many."""
        return sum(n for status, n in self.statuses.items() if 400 <= status < 500)

    @property
    def answered(self) -> int:
        """Requests that the model answered: those whose times are known."""
        return int(sum(self.times("answered")))

    @property
    def sizes(self) -> Block:
        """Calls of the model by their rows, as `SIZES` bounds them."""
        return self._many("sizes", len(SIZES) + 1)

    def seconds(self, name: str) -> float:
        """The time of all requests, `answered`, or in one stage, together."""
        return self._one(f"{name}_seconds")

    def times(self, name: str) -> Block:
        """Requests by their time, `answered`, or by that in one stage, as `BOUNDS` bounds it."""
        return self._many(name, len(BOUNDS) + 1)

    @property
    def seconds_in_calls(self) -> float:
        """The time in which the processes called the model."""
        return self._one("calling_seconds")

    @property
    def period(self) -> float:
        """Seconds over which was counted; of a difference."""
        return max(1.0, self._one("at") / (self.running or 1))

    @property
    def busy(self) -> float:
        """The share of their time that the processes worked, or their models did; of a difference."""
        spent = max(self._one("cpu"), self.seconds_in_calls)
        return min(1.0, spent / (self.period * (self.running or 1)))

    def quantile(self, share: float, name: str = "answered") -> float | None:
        """The time within which that share of the requests was answered, or left one stage; to a tenth, None without
        requests."""
        return quantile(self.times(name), share)

    @property
    def p50(self) -> float | None:
        return self.quantile(0.5)

    @property
    def p99(self) -> float | None:
        return self.quantile(0.99)

    def stages(self, share: float = 0.5) -> dict[str, float]:
        """A quantile of the requests' time, in parts: what each stage took at that quantile, and what is left is the
        queue. Empty without requests."""
        whole = self.quantile(share)
        if whole is None:
            return {}
        parts = {name: self.quantile(share, name) or 0.0 for name in STAGES[1:]}
        fitted = min(1.0, whole / (sum(parts.values()) or 1.0))
        parts = {name: fitted * part for name, part in parts.items()}
        return {"queue": whole - sum(parts.values()), **parts}

    def since(self, before: Figures) -> Figures:
        """What was counted after `before`."""
        grown = tuple(map(sub, self.block[NOW:], before.block[NOW:]))
        return Figures((*self.block[:NOW], *grown), self.running, self.calling, self.last)


@dataclass(frozen=True)
class Arm:
    """What one version of a routing table has answered, and how often it failed, over all processes since the table
    stands; `times` as `BOUNDS` bounds them;
    of a shadow, how often each of `OUTCOMES` came."""

    failed: int
    times: Block
    outcomes: Block = (0,) * len(OUTCOMES)

    @property
    def requests(self) -> int:
        return self.failed + int(sum(self.times))

    @property
    def p90(self) -> float | None:
        return self.within(0.9)

    def within(self, share: float) -> float | None:
        """The time within which that share of the requests was answered; None without any."""
        return quantile(self.times, share)

    def __add__(self, other: Arm) -> Arm:
        times, outcomes = ((self.times, other.times), (self.outcomes, other.outcomes))
        return Arm(self.failed + other.failed, tuple(map(add, *times)), tuple(map(add, *outcomes)))


NOBODY = Arm(0, (0.0,) * (len(BOUNDS) + 1))


def of_table(path: Path, number: int) -> dict[int, Arm]:
    """What each version has done since the table of this number stands, in one deployment."""
    values = memoryview(path.read_bytes()).cast("d")
    found: dict[int, Arm] = {}
    for slot in range(0, len(values) - len(values) % SLOT, SLOT):
        for arm in range(ARMS):
            at = slot + WIDTH * len(BLOCKS) + ARM_WIDTH * arm
            block = values[at : at + ARM_WIDTH].tolist()
            if number and block[ARM["table"]] == number:
                outcomes = tuple(int(block[ARM[outcome]]) for outcome in OUTCOMES)
                seen = Arm(int(block[ARM["failed"]]), tuple(block[ARM["times"] :]), outcomes)
                version = int(block[ARM["of"]])
                found[version] = found.get(version, NOBODY) + seen
    return found


def quantile(counts: Block, share: float) -> float | None:
    """The time within which that share of what was counted is, to a tenth; None of nothing."""
    wanted, seen = share * sum(counts), 0.0
    if not wanted:
        return None
    for i, count in enumerate(counts):
        if seen + count >= wanted:
            return _within(i, (wanted - seen) / count)
        seen += count
    return BOUNDS[-1]


def _within(bucket: int, share: float) -> float:
    """A time in a bucket, between its bounds as far as so much of it."""
    if bucket >= len(BOUNDS):
        return BOUNDS[-1]
    low = BOUNDS[bucket - 1] if bucket else BOUNDS[0] / 2
    return float(low * (BOUNDS[bucket] / low) ** share)


def read(path: Path) -> Figures:
    """What was counted since the deployment started."""
    return counted(memoryview(path.read_bytes()).cast("d"))


def lately(path: Path) -> Figures:
    """What was counted in the last half minute to minute."""
    values = memoryview(path.read_bytes()).cast("d")
    return counted(values).since(_summed(_blocks(values, _LATELY_BEFORE)))


def by_version(values: memoryview[float]) -> dict[int, Figures]:
    """What was counted of each version that answers now, the live one of the most processes first."""
    slots = range(0, len(values) - len(values) % SLOT, SLOT)
    live = [int(values[slot + AT["version"]]) for slot in slots]
    found: dict[int, list[Block]] = {version: [] for version in sorted(set(live), key=live.count, reverse=True)}
    for block in _of_versions(values):
        found.setdefault(int(block[AT["version"]]), []).append(block)
    return {version: _summed(blocks) for version, blocks in found.items() if blocks}


def counted(values: memoryview[float]) -> Figures:
    """What was counted since the deployment started, out of what its file holds."""
    return _summed(_blocks(values, _OWN) + _of_versions(values))


def _blocks(values: memoryview[float], number: int) -> list[Block]:
    """One block of each process; one of nothing where another version of Workbench has written the file."""
    if not len(values) or len(values) % SLOT:
        return [[0.0] * WIDTH]
    starts = range(number * WIDTH, len(values), SLOT)
    return [values[at : at + WIDTH].tolist() for at in starts]


def _of_versions(values: memoryview[float]) -> list[Block]:
    """One block of each version that a process answers with."""
    if len(values) % SLOT:
        return []
    starts = (slot + at for slot in range(0, len(values), SLOT) for at in range(OF_VERSIONS, SLOT, WIDTH))
    return [values[at : at + WIDTH].tolist() for at in starts if values[at + AT["version"]]]


def _summed(blocks: list[Block]) -> Figures:
    began = [at for block in blocks if (at := block[AT["calling"]])]
    running = sum(bool(block[AT["at"]]) for block in blocks)
    last = max(block[AT["last"]] for block in blocks)
    return Figures(tuple(map(sum, zip(*blocks, strict=True))), running, min(began, default=0.0), last)
