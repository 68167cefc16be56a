"""The life of a learner: examples are answered first and then learned, in the order of their queue, and what the model
is by then is kept now and then, together with how far it has read.

Whoever is killed has lost nothing: the next one begins from what was kept, and reads on from there. An example that the
model fails at is found by learning again from what was kept, one by one up to there.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...bundle.tables import Table, n_rows
from ...data import places
from ...data.log_groups import Group
from ...errors import ModelFailed, WorkbenchError
from ..control import LOOK, Control
from .feeding import Feed
from .teaching import Examples, Teacher

if TYPE_CHECKING:
    from pathlib import Path

    from ...data.log import Log, Record
    from ...inference.predictor import Predictor

WINDOW = 1000
"""Examples that the quality of now is of."""

_KEEP_JUDGED = 50_000


@dataclass(frozen=True)
class Start:
    """A model to go on from: loaded, with the offset up to which it has learned, and how many examples."""

    predictor: Predictor
    offset: int
    examples: int


@dataclass(frozen=True)
class House:
    """What keeps models: `start` gives the one to go on from, freshly loaded; `moved` says whether that is another by
    now; `keep` keeps what it has become, up to an offset and number of examples, and says why it could not be."""

    start: Callable[[Log], Start]
    moved: Callable[[], bool]
    keep: Callable[[Log, Predictor, int, int], str]


def run(spec: dict[str, Any], house: House, control: Control, folder: Path) -> None:
    """Learn the examples of `spec["input"]`, to which those of the broker `spec["feed"]` come where there is one, whose
    column `spec["target"]` is what became of a row, as the group `spec["group"]`; keep what was learned every
    `spec["every"]` seconds. What was answered before it was learned goes to `folder`."""
    log = places.log(spec["input"])
    group = Group(log, spec["group"])
    feed = Feed(spec["feed"], spec["group"], log, control) if spec.get("feed") else None
    try:
        if group.acquire(control.stopping):
            Loop(spec, house, control, group, folder, feed).run()
    finally:
        if feed:
            feed.close()
        group.release()
        log.close()


class Loop:
    """One learner."""

    def __init__(
        self, spec: dict[str, Any], house: House, control: Control, group: Group, folder: Path, feed: Feed | None = None
    ) -> None:
        self.spec, self.house, self.control, self.group, self.folder = spec, house, control, group, folder
        self.feed = feed
        self.dead = places.log(f"{spec['input'].partition('?')[0]}.{spec['group']}.dead")
        self.recent: deque[tuple[Any, Any]] = deque(maxlen=WINDOW)
        self.judged: list[Any] = []
        self.quality: dict[str, float] = {}
        self.refused, self.singly = 0, 0  # up to which offset each is learned alone
        self._begin()

    def _begin(self) -> None:
        """From what was kept last, and what came after it."""
        start = self.house.start(self.group.log)
        self.teacher = Teacher(start.predictor, self.spec["target"])
        self.offset, self.examples, self.kept = start.offset, start.examples, start.offset
        self.group.seek(start.offset)
        self.due, self.judged = time.monotonic() + self.spec["every"], []

    def run(self) -> None:
        """Until it is told to stop; what was learned is kept then."""
        self._tell()
        self.control.state("ready")
        while not self.control.stopping():
            if self.control.paused():
                time.sleep(LOOK)
                continue
            if self.house.moved():
                self._begin()
                self.control.state("ready")
            if records := self._next():
                self._learned(records)
            if time.monotonic() >= self.due:
                began = time.monotonic()
                self._keep()
                took = time.monotonic() - began  # at least as long it learns
                self.due = time.monotonic() + max(self.spec["every"], took)
            self._tell()
        self._keep()
        self._tell()
        self.dead.close()

    def _next(self) -> list[Record]:
        """The next examples; what its broker has is asked for once there are none."""
        most = 1 if self.offset < self.singly else self.spec["most"]
        if self.feed is None:
            return self.group.poll(most, LOOK)
        if not (records := self.group.poll(most, 0.0)):
            self.feed()
            records = self.group.poll(most, 0.0)
        return records

    def _learned(self, records: list[Record]) -> None:
        examples = self.teacher.read(records)
        failure = self._taught(examples) if examples.records else ""
        if failure and len(records) > 1:  # it may have learned a part of them
            self.singly = records[-1].offset
            self._begin()
            return
        if failure:
            examples.refused.append((examples.records.pop(), failure))
        for record, why in sorted(examples.refused):
            self._refuse(record, why)
        self.offset, self.examples = records[-1].offset, self.examples + len(examples.records)

    def _taught(self, examples: Examples) -> str:
        """Answer them, then learn them; why the model could not, in words."""
        try:
            answers = self.teacher.predictor.predict(examples.table)
            self.teacher.learn(examples)
        except ModelFailed as error:
            return " ".join(str(error).partition("\n→")[0].split())
        self._judge(examples, answers)
        return ""

    def _refuse(self, record: Record, why: str) -> None:
        """To the dead letters, once."""
        self.refused += 1
        headers = {"error": why, "offset": record.offset}
        self.dead.append([record.value], [record.key], [headers], source=self.group.log.identity, offset=record.offset)

    def _judge(self, examples: Examples, answers: Table) -> None:
        """What was answered before it was learned."""
        first = next(iter(answers.values()))
        if n_rows(answers) != len(examples.records) or getattr(first, "ndim", 1) > 1:
            return
        pairs = list(zip(examples.outcomes.tolist(), first.tolist(), strict=True))
        self.recent.extend(pairs)
        self.quality = _quality(self.recent)
        self.judged += [(r.offset, r.at, *pair) for r, pair in zip(examples.records, pairs, strict=True)]
        if len(self.judged) > _KEEP_JUDGED:
            self._write_judged()

    def _keep(self) -> None:
        if self.offset == self.kept or self.house.moved():
            return
        try:
            refusal = self.house.keep(self.group.log, self.teacher.predictor, self.offset, self.examples)
        except WorkbenchError as error:
            refusal = str(error)
        if refusal:
            self.control.state("blocked", f"what was learned is not kept: {refusal}")
            return
        self._write_judged()
        self.group.commit(self.offset)
        self.kept = self.offset
        self.control.state("ready")

    def _write_judged(self) -> None:
        import pandas as pd

        if not self.judged:
            return
        offsets, moments, outcomes, answers = zip(*self.judged, strict=True)
        at = pd.to_datetime(list(moments), unit="s", utc=True)
        frame = pd.DataFrame({"request": list(map(str, offsets)), "row": 0, "at": at})
        frame = frame.assign(version=self.spec["model"].partition("@")[0], outcome=outcomes, answer=answers)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        file = self.folder / f"{offsets[-1]:015}.parquet"
        frame.to_parquet(file.with_suffix(".part"), index=False)
        file.with_suffix(".part").replace(file)
        self.judged = []

    def _tell(self) -> None:
        lag = self.group.lag(self.offset) + (self.feed.lag() if self.feed else 0)
        counts = {"examples": self.examples, "lag": lag, "refused": self.refused}
        self.control.facts(**counts, unkept=self.offset - self.kept, quality=self.quality)


def _quality(pairs: Iterable[tuple[Any, Any]]) -> dict[str, float]:
    """How good answers were, by the measures that fit."""
    import pandas as pd

    from ...monitoring.quality import measures

    outcomes, answers = (pd.Series(list(side)) for side in zip(*pairs, strict=True))
    found = {name: float(of(outcomes, answers)) for name, of in measures(outcomes, answers).items()}
    return {name: value for name, value in found.items() if value == value}  # noqa: PLR0124 not a number
