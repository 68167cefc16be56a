"""What a person says must hold, `auc >= live - 0.01` -> whether it does, and the figures in words."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import UsageError

_HOLDS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_SHOWN = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}
_NOT = {">=": "<", ">": "≤", "<=": ">", "<": "≥"}
_FIX = "as in 'auc >= live', 'rmse <= live + 0.5' or 'accuracy >= 0.9'; several with a comma between them"
_NUMBER = r"\d+\.?\d*(?:e-?\d+)?|\.\d+"
_CONDITION = re.compile(
    rf"(?P<measure>[A-Za-z_]\w*)\s*(?P<is>>=|<=|>|<|≥|≤)\s*"
    rf"(?:(?P<live>live)(?:\s*(?P<sign>[+-])\s*(?P<by>{_NUMBER}))?|(?P<bound>-?(?:{_NUMBER})))\s*(?P<unit>%|ms|s)?",
    re.ASCII,
)
_UNITS = {"%": 0.01, "ms": 0.001, "s": 1.0}
_FEWEST, _MOST = 3, 12


@dataclass(frozen=True)
class Condition:
    """That a measure is at least, at most, above or below `bound`, or that of the live version and `bound`."""

    measure: str
    relation: str
    live: bool
    bound: float
    unit: str = ""

    def __str__(self) -> str:
        sign = "+" if self.bound > 0 else "-"
        bound = f"{self._scaled(abs(self.bound) if self.live else self.bound):.10g}{self.unit}"
        against = "live" + (f" {sign} {bound}" if self.bound else "") if self.live else bound
        return f"{self.measure} {self.relation} {against}"

    def holds(self, value: float, live: float | None) -> bool:
        """Whether it is so; against a live version that there is not, it is. A figure that is not known is not so."""
        wanted = self._wanted(live)
        return wanted is None or bool(_HOLDS[self.relation](value, wanted))

    def told(self, value: float, live: float | None) -> str:
        """`auc 0.871 < 0.884`, with as many digits as tell the two apart."""
        wanted, held = self._wanted(live), self.holds(value, live)
        if math.isnan(value) or wanted is None or math.isnan(wanted):
            figure = "is not known" if math.isnan(value) else self._figure(value, _FEWEST)
            return f"{self.measure} {figure}, " + ("nothing is live" if wanted is None else "which says nothing")
        pairs = ((self._figure(value, d), self._figure(wanted, d)) for d in range(_FEWEST, _MOST))
        shown = next((pair for pair in pairs if pair[0] != pair[1]), (self._figure(value, _FEWEST),) * 2)
        relation = _SHOWN[self.relation] if held else _NOT[self.relation]
        by = f" (live {'+' if self.bound > 0 else '−'} {self._figure(abs(self.bound), _FEWEST)})"
        return f"{self.measure} {shown[0]} {relation} {shown[1]}{by if self.live and self.bound else ''}"

    def _scaled(self, value: float) -> float:
        return value / _UNITS.get(self.unit, 1.0)

    def _figure(self, value: float, digits: int) -> str:
        scaled = self._scaled(value)
        said = f"{scaled:.{digits}g}"
        return f"{f'{scaled:.0f}' if 'e+' in said else said}{' ' * bool(self.unit)}{self.unit}"

    def _wanted(self, live: float | None) -> float | None:
        if not self.live:
            return self.bound
        return None if live is None else live + self.bound


def read(said: str) -> list[Condition]:
    """`auc >= live, log_loss <= 0.4` in parts. UsageError for what is no condition."""
    return [_read(part) for part in re.split(r",|\band\b|&", said) if part.strip()] or [_read(said)]


def read_all(said: Iterable[str]) -> list[Condition]:
    """All of what was said."""
    return [condition for one in said for condition in read(one)]


def _read(said: str) -> Condition:
    found = _CONDITION.fullmatch(said.strip())
    if found is None:
        raise UsageError(f"{said.strip()!r} is no condition", fix=_FIX)
    relation = {"≥": ">=", "≤": "<="}.get(found["is"], found["is"])
    unit = found["unit"] or ""
    amount = float(found["by"] or found["bound"] or 0) * _UNITS.get(unit, 1.0)
    bound = -amount if found["sign"] == "-" else amount
    return Condition(found["measure"], relation, bool(found["live"]), bound, unit)
