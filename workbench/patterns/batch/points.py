"""`depth=3,5,8`, ranges and tables -> the points of a sweep: values of a notebook's parameters."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import BadInput, UsageError
from . import parameters

_RANGE = re.compile(r"^(?P<low>[^:]+?)\.\.(?P<high>[^:]+?)(?::(?P<how>\w+|[\d.e+-]+))?$")
_MOST = 10_000
_EXAMPLES = "as in depth=3,5,8, depth=3..8, rate=0.1..1:0.1 or, with --samples N, rate=1e-4..1:log"
Point = dict[str, Any]


def points(
    notebook: Path,
    sweep: Mapping[str, Any],
    table: Sequence[Point] | None,
    fixed: Mapping[str, Any],
    samples: int | None,
) -> list[Point]:
    """The points of a sweep, each with the `fixed` values: a grid of all that is said, the rows of a table, or so many
    samples of them. UsageError for what the notebook has no parameter for, and for what is no value of it."""
    if both := sorted({*sweep, *(name for row in table or () for name in row)} & set(fixed)):
        raise UsageError(f"{both[0]} is given twice: with -p and in the sweep", fix="leave one out")
    axes = {name: _axis(name, said, samples) for name, said in sweep.items()}
    chosen = _sampled(axes, table, samples) if samples else list(_grid(axes, table))
    if len(chosen) > _MOST:
        raise UsageError(f"a sweep of {len(chosen)} points", fix=f"--samples N draws some of them, {_MOST} at most")
    checked = [parameters.check(notebook, {**fixed, **point}) for point in chosen]
    return list({repr(sorted(point.items())): point for point in checked}.values())


class Range:
    """Values between two, drawn at random: whole ones, evenly, or evenly by their size (`log`)."""

    def __init__(self, low: float, high: float, *, log: bool) -> None:
        self.low, self.high, self.log = low, high, log
        self.whole = isinstance(low, int) and isinstance(high, int)

    def draw(self, chance: random.Random) -> float:
        if self.log:
            found = math.exp(chance.uniform(math.log(self.low), math.log(self.high)))
            return round(found) if self.whole else found
        return chance.randint(int(self.low), int(self.high)) if self.whole else chance.uniform(self.low, self.high)


def _axis(name: str, said: Any, samples: int | None) -> list[Any] | Range:
    """What one parameter is to be: a list of values, or with samples a range."""
    if not isinstance(said, str):
        values = list(said) if isinstance(said, (list, tuple, range)) or hasattr(said, "tolist") else [said]
    elif match := _RANGE.match(said):
        low, high = _number(name, match["low"]), _number(name, match["high"])
        return _span(name, low, high, match["how"], samples)
    else:
        values = list(split(said))
    if not values:
        raise UsageError(f"the sweep has no value for {name}", fix=_EXAMPLES)
    return values


def _span(name: str, low: float, high: float, how: str | None, samples: int | None) -> list[Any] | Range:
    if not low < high or (how == "log" and low <= 0):
        raise UsageError(f"{name}={low}..{high} is no range", fix=_EXAMPLES)
    if samples and how in (None, "log"):
        return Range(low, high, log=how == "log")
    if how == "log" or (how is None and not (isinstance(low, int) and isinstance(high, int))):
        raise UsageError(
            f"{name}={low}..{high} has no end of values", fix="say how many: --samples 20, or its steps, :0.1"
        )
    step = _number(name, how or "1")
    if not step > 0 or (high - low) / step > _MOST:
        raise UsageError(f"{name}: steps of {step} from {low} to {high}", fix=_EXAMPLES)
    number = math.floor((high - low) / step + 1e-9) + 1
    return [_even(low + i * step) for i in range(number)]


def _even(value: float) -> float:
    """`0.30000000000000004` -> `0.3`."""
    return value if isinstance(value, int) else float(f"{value:.12g}")


def _number(name: str, said: str) -> float:
    try:
        return int(said)
    except ValueError:
        pass
    try:
        return float(said)
    except ValueError:
        raise UsageError(f"{name}: {said!r} is no number", fix=_EXAMPLES) from None


def split(said: str) -> Iterator[str]:
    """The words between commas that stand outside of brackets and quotes."""
    word, depth, quote = "", 0, ""
    for character in said:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and not depth:
            yield _bare(word)
            word = ""
            continue
        word += character
    if word.strip():
        yield _bare(word)


def _bare(word: str) -> str:
    word = word.strip()
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


def _grid(axes: Mapping[str, Any], table: Sequence[Point] | None) -> Iterator[Point]:
    for row in table if table is not None else [{}]:
        for values in itertools.product(*axes.values()):
            yield {**row, **dict(zip(axes, values, strict=True))}


def _sampled(axes: Mapping[str, Any], table: Sequence[Point] | None, samples: int) -> list[Point]:
    """The same ones each time. Of what has an end no point twice."""
    chance = random.Random(0)
    if not any(isinstance(axis, Range) for axis in axes.values()):
        grid = list(_grid(axes, table))
        return chance.sample(grid, min(samples, len(grid)))
    rows = list(table) if table is not None else [{}]
    return [
        {
            **chance.choice(rows),
            **{n: a.draw(chance) if isinstance(a, Range) else chance.choice(a) for n, a in axes.items()},
        }
        for _ in range(samples)
    ]


def read_table(place: Any) -> list[Point]:
    """The rows of a file or frame as points; an empty cell leaves its parameter as the notebook has it. BadInput for a
    table without rows."""
    from ...data.examples import frame

    found = frame(place) if isinstance(place, str) else place
    if not hasattr(found, "to_dict") or not len(found):
        raise BadInput(f"{place if isinstance(place, str) else 'the table'} holds no points", fix="one row for each")
    rows = found.to_dict("records")
    return [{str(n): _cell(v) for n, v in row.items() if v is not None and v == v} for row in rows]


def _cell(value: Any) -> Any:
    """A column of whole numbers with empty cells is read as one of floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
