"""promote --if: what a version must show on rows whose outcomes are known before any traffic goes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import UsageError
from ..monitoring import conditions, measures
from ..monitoring.conditions import Condition
from . import shadowed
from .evidence import evidence
from .shadowed import SHADOW

if TYPE_CHECKING:
    import pandas as pd

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..monitoring.measures import Measure
    from .evidence import Evidence
    from .running import Running

Check = Callable[[Any, Any, Any], Any]
"""A check of the user's own, of the outcomes and the answers of both versions: True, or False, or why not in words."""


@dataclass(frozen=True)
class Gate:
    """One thing that was asked of a version, whether it held, and the figures in words."""

    said: str
    held: bool


def refusals(gates: tuple[Gate, ...]) -> str:
    """Why a version is refused; empty where it is not."""
    return " · ".join(gate.said for gate in gates if not gate.held)


def kept_card(model: str, version: int, before: int | None, gates: tuple[Gate, ...]) -> str:
    """The card of a version that its gates have refused."""
    ref, live = f"{model}@{version}", f"{model}@{before}"
    head = f"kept {live}: {refusals(gates)}" if before else f"{ref} ✗ refused: {refusals(gates)}"
    steps = [f"%workbench diff {live} {ref}"] * bool(before) + [f"%workbench history {model}"]
    return "\n".join([head, *held(gates), f"  next  {' · '.join(steps)}"])


def held(gates: tuple[Gate, ...]) -> list[str]:
    """A line of a card for each that held."""
    return [f"  held  {gate.said}" for gate in gates if gate.held]


@dataclass(frozen=True)
class Gates:
    """What `--if` asks of a version: `wanted` on the rows `on`, of a log those `since` then, whose outcomes are the
    column or the values `target`.

    `own` are measures of the user's by name, `answer` is the column of the answers that is judged (the first)."""

    wanted: tuple[Condition | Check, ...]
    on: Any
    since: str | None = None
    target: Any = None
    own: dict[str, Measure] = field(default_factory=dict)
    answer: str | None = None

    @classmethod
    def read(
        cls, wanted: Any, on: Any, since: str | None, target: Any, metric: Any, answer: str | None
    ) -> Gates | None:
        """None where nothing is asked. UsageError for what is no condition, or no measure."""
        if wanted is None:
            given = {"on": on, "since": since, "target": target, "metric": metric, "answer": answer}
            if name := next((name for name, value in given.items() if value is not None), None):
                raise UsageError(f"--{name} is for --if, which is not given", fix="--if 'auc >= live' --on HOLDOUT")
            return None
        parts = tuple(part for one in _several(wanted) for part in _parts(one))
        if on is None and not all(map(_of_shadow, parts)):
            fix = "--on HOLDOUT: a frame of the notebook, a file or a table"
            raise UsageError("--if needs rows whose true outcomes are known", fix=fix)
        gates = cls(parts, on, since, target, _own(metric), answer)
        for part in parts:
            _check(part, gates.own)
        return gates

    @property
    def needs_outcomes(self) -> bool:
        """Whether it is not enough to know what both versions answer."""
        beside = (*measures.BESIDE, SHADOW)
        return any(not isinstance(part, Condition) or part.measure not in beside for part in self.wanted)

    def judge(
        self, running: Running, registry: Registry, version: ModelVersion, live: ModelVersion | None
    ) -> tuple[Gate, ...]:
        """Both versions are asked for the rows, and each part is looked at. BadInput, ModelFailed, UsageError."""
        rows = evidence(running, registry, version.name, self.on, self.since)
        return tuple(_Judged(self, rows, version, live, running).all())


def _several(wanted: Any) -> list[Any]:
    return list(wanted) if isinstance(wanted, list | tuple) else [wanted]


def _parts(wanted: Any) -> list[Condition | Check]:
    if isinstance(wanted, str):
        return list(conditions.read(wanted))
    if callable(wanted):
        return [wanted]
    fix = "a condition as text, 'auc >= live', or a function of outcomes and both versions' answers"
    raise UsageError(f"{wanted!r} is nothing to judge a version by", fix=fix)


def _check(part: Condition | Check, own: dict[str, Measure]) -> None:
    """UsageError for a condition on what is no measure."""
    if not isinstance(part, Condition):
        return
    if part.measure not in (*measures.BESIDE, SHADOW):
        measures.named(part.measure, own)
    elif part.live:
        what = f"{part}: {part.measure} compares with the live version itself"
        raise UsageError(what, fix=f"a number: '{part.measure} >= 0.95'")


def _of_shadow(part: Condition | Check) -> bool:
    return isinstance(part, Condition) and part.measure == SHADOW


def _own(metric: Any) -> dict[str, Measure]:
    found = _several(metric) if metric is not None else []
    for one in found:
        if not callable(one):
            raise UsageError(f"{one!r} is no function", fix="--metric takes a function of outcomes and answers")
    return {getattr(one, "__name__", "metric"): one for one in found}


@dataclass(frozen=True)
class _Judged:
    """A version and the live one beside it on the rows of gates."""

    gates: Gates
    rows: Evidence
    version: ModelVersion
    live: ModelVersion | None
    running: Running

    def all(self) -> Iterator[Gate]:
        for part in self.gates.wanted:
            if isinstance(part, Condition) and part.measure == SHADOW:
                yield self._shadowed(part)
                continue
            said, held = self._condition(part) if isinstance(part, Condition) else self._check(part)
            yield Gate(f"{said} on {text.count(len(self._known[1]), self.rows.noun)}", held)

    def _shadowed(self, part: Condition) -> Gate:
        value, count = shadowed.share(self.running, self.version)
        if not count:
            return Gate(f"as a shadow {self.version.ref} was asked nothing yet", held=False)
        return Gate(f"{part.told(value, None)} on {text.count(count, 'request')}", part.holds(value, None))

    def _condition(self, part: Condition) -> tuple[str, bool]:
        outcomes, new, old = self._known
        if beside := measures.BESIDE.get(part.measure):
            value = beside(old, new) if old is not None else float("nan")
            return part.told(value, None), part.holds(value, None) or old is None
        measure = measures.named(part.measure, self.gates.own)
        value = measure(outcomes, new)
        live = measure(outcomes, old) if old is not None and part.live else None
        return part.told(value, live), part.holds(value, live)

    def _check(self, part: Check) -> tuple[str, bool]:
        name = getattr(part, "__name__", "the check")
        try:
            said = part(*self._known)
        except Exception as error:
            fix = "it is called with the outcomes and the answers of both versions, as series"
            raise UsageError(f"{name} raised {type(error).__name__}: {error}", fix=fix) from error
        held = bool(said) and not isinstance(said, str)
        return (f"{name}: {said}" if isinstance(said, str) else f"{name} said {'yes' if held else 'no'}"), held

    @cached_property
    def _known(self) -> tuple[pd.Series | None, pd.Series, pd.Series | None]:
        """The outcomes, if they are needed, and the answers of both, to the rows whose outcome is known then."""
        new, old = (self._answers(version) if version else None for version in (self.version, self.live))
        assert new is not None
        if not self.gates.needs_outcomes:
            return None, new, old
        outcomes = self.rows.outcomes(self.version, self.gates.target)
        if len(outcomes) != len(new):
            had = f"{text.count(len(outcomes), 'outcome')} for {text.count(len(new), 'row')}"
            raise UsageError(f"--target has {had}", fix="give one outcome for each row, in their order")
        known = outcomes.notna()
        if not known.any():
            raise UsageError("no row of --on has a true outcome", fix="give rows whose outcome is known, or feedback")
        kept = outcomes[known]
        return kept, new[known], None if old is None else old[known]

    def _answers(self, version: ModelVersion) -> pd.Series:
        answers = self.rows.answers(version)
        wanted = self.gates.answer or str(answers.columns[0])
        if wanted not in answers:
            raise UsageError(f"{version.ref} answers no {wanted!r}", fix=f"--answer: {', '.join(answers)}")
        return answers[wanted]
