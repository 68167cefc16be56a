"""What explains a model's answers, for people: a frame of contributions, what matters over all rows, and a plot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text
from . import bars
from .explainers import BASE, Explained

if TYPE_CHECKING:
    import pandas as pd

    from .drawing import Drawing

_SHOWN, _BAR = 10, 16


@dataclass(frozen=True)
class Explanation:
    """What each column contributed to each answer of `model`, in the unit of the answer: base and contributions of a
    row add up to its answer. Where that is a label the base is how often rows of the reference get it too, and they
    add up to 1, or its probability. `rows` are the values that were explained, `total` says how many were given, and
    `said` what they are."""

    model: str
    found: Explained
    rows: dict[str, Any]
    index: Any
    total: int
    said: str

    def __len__(self) -> int:
        return len(self.index)

    @property
    def method(self) -> str:
        """How the contributions were found, in words."""
        return self.found.method

    def frame(self) -> pd.DataFrame:
        """One row for each row: the contribution of each column, then `base` and the answer, by its name."""
        import pandas as pd

        found = pd.DataFrame(self.found.contributions, columns=list(self.found.names), index=self.index)
        for name, values in ((BASE, self.found.base), (self.found.answer, self.found.answers)):
            found[name + "_" * (name in found)] = values
        return found

    @cached_property
    def importance(self) -> pd.Series:
        """The mean size of each column's contributions over all rows, the largest first."""
        import pandas as pd

        sizes = np.abs(self.found.contributions).mean(axis=0) if len(self) else np.zeros(len(self.found.names))
        return pd.Series(sizes, index=list(self.found.names), name="importance").sort_values(ascending=False)

    def plot(self, row: int | None = None) -> Drawing:
        """Bars of what each column added to the answer of the row at this position; without one, and for several rows,
        how much each column matters, with a dot for each row. A drawing that a notebook shows."""
        if row is None and len(self) > 1:
            return bars.overview(self._title(), self.importance, self.frame(), self._values())
        at = range(len(self))[row or 0]
        return bars.waterfall(self.answered(at), float(self.found.base[at]), self.parts(at))

    def _values(self) -> dict[str, Any]:
        return {name: values for name, values in self.rows.items() if np.ndim(values) == 1}

    def parts(self, at: int) -> list[tuple[str, float]]:
        """The contributions to one answer, the largest first, named with the row's values."""
        parts = zip(self.found.names, map(float, self.found.contributions[at]), strict=True)
        return [
            (f"{name}{self._value(name, at)}", size) for name, size in sorted(parts, key=lambda part: -abs(part[1]))
        ]

    def _value(self, name: str, at: int) -> str:
        values = self._values().get(name)
        return "" if values is None else f" = {_short(values[at])}"

    def _title(self) -> str:
        return f"{self.found.answer} of {self.model}: what it depends on"

    def answered(self, at: int) -> str:
        """The answer to the row at this position, by its name."""
        return f"{self.found.answer} {_short(self.found.answers[at])}"

    @property
    def card(self) -> str:
        """What it is of, for those who see the drawing below."""
        what = self.answered(0) if len(self) == 1 else f"{self.found.answer} of {self._counted()}"
        base = f"base {_figure(float(np.mean(self.found.base)))}, {self.base}"
        return f"{self.model} {what} · {base}\n  by  {self.method}"

    def __str__(self) -> str:
        one = len(self) == 1
        head, method = self.card.split("\n")
        parts = self.parts(0) if one else list(self.importance.items())
        most = max((abs(size) for _, size in parts), default=0.0) or 1.0
        wide = max((len(str(name)) for name, _ in parts[:_SHOWN]), default=0)
        lines = [head]
        lines += [f"  {name!s:<{wide}}  {_line(size, most, signed=one)}" for name, size in parts[:_SHOWN]]
        lines += [f"  and {text.count(len(parts) - _SHOWN, 'more column')}"] * (len(parts) > _SHOWN)
        return "\n".join([*lines, method])

    __repr__ = __str__

    def _counted(self) -> str:
        if len(self) == self.total:
            return f"{text.count(self.total, 'row')} of {self.said}"
        return f"{text.count(len(self))} of {text.count(self.total, 'row')} of {self.said}, evenly"

    @property
    def base(self) -> str:
        """What the contributions are added to, in words."""
        if self.method.startswith("as the model"):
            return "what its contributions begin from"
        return "how often others get such an answer" if self.found.label else "the mean answer to the reference"

    def to_json(self) -> dict[str, Any]:
        kept = {"model": self.model, "answer": self.found.answer, "method": self.method, "rows": len(self)}
        return kept | {
            "importance": self.importance.to_dict(),
            "explanations": records(self.found, self.found.answers.tolist()),
        }


def records(found: Explained, answers: list[Any]) -> list[dict[str, Any]]:
    """For each row its answer, the base, and the contributions by column, as JSON has them."""
    parts = zip(answers, np.asarray(found.base).tolist(), found.contributions.tolist(), strict=True)
    return [
        {"answer": answer, "base": base, "contributions": dict(zip(found.names, row, strict=True))}
        for answer, base, row in parts
    ]


def _line(size: float, most: float, *, signed: bool) -> str:
    return f"{'▇' * round(_BAR * abs(size) / most):<{_BAR}} {_figure(size, signed=signed)}"


def _figure(value: float, *, signed: bool = False) -> str:
    return f"{value:+.3g}" if signed else f"{value:.3g}"


def _short(value: Any) -> str:
    said = f"{value:.4g}" if isinstance(value, float | np.floating) else " ".join(str(value).split())
    return said if len(said) <= 24 else f"{said[:23]}…"
