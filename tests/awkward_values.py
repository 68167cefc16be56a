"""Values of each dtype that a schema holds, as JSON has them, and records of them; a few are wrong."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import orjson
import pandas as pd
from hypothesis import strategies as st

from workbench.inference.schema import Schema

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
whole = st.integers(-(2**63), 2**64 - 1) | st.integers(-3, 3)
real = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 1e308, 2.0**53 + 2, 0.1])
times = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(dt.datetime.isoformat)
zoned = times.map(lambda moment: f"{moment}+02:00")

EXAMPLES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int64": (np.array([1, 2]), whole),
    "int8": (np.array([1, 2], "int8"), st.integers(-130, 130)),
    "uint64": (np.array([1, 2], "uint64"), whole),
    "float64": (np.array([1.5, np.nan]), real | whole),
    "float32": (np.array([1.5, 2], "float32"), real | whole),
    "Int64": (pd.array([1, None], "Int64"), whole),
    "Float64": (pd.array([1.5, None], "Float64"), real | whole),
    "bool": (np.array([True, False]), st.booleans()),
    "boolean": (pd.array([True, None], "boolean"), st.booleans()),
    "text": (np.array(["a", None], object), text),
    "string": (pd.array(["a", None], "string"), text),
    "category": (pd.Categorical(["a", "b", None]), st.sampled_from("ab")),
    "numbers": (pd.Categorical([1, 2, 3]), st.sampled_from([1, 2, 3, 1.0])),
    "datetime": (np.array(["2024-01-01"], "M8[ns]"), times),
    "seconds": (np.array(["2024-01-01"], "M8[s]"), times.map(lambda moment: moment[:19])),
    "zoned": (pd.array(pd.to_datetime(["2024-01-01T00:00Z"])), zoned),
    "timedelta": (np.array([1], "m8[ns]"), st.sampled_from(["1 days", "PT5M", "01:30:00"])),
    "bools": (np.array([True, None], object), st.booleans()),
    "date": (np.array([dt.date(2024, 1, 1)], object), st.dates().map(dt.date.isoformat)),
    "bytes": (np.array([b"x"], object), st.sampled_from(["eA==", ""])),
}
odd = (
    st.none()
    | st.booleans()
    | whole
    | real
    | text
    | st.sampled_from(["1", " 2.5 ", "true", "", "a", "2024-01-01", "2024-01-01T00:00:00Z", "nan", "1e400", "1_0"])
    | st.just([1])
    | st.just({"a": 1})
)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Schema, list[dict[str, Any]]]:
    """A schema of a few fields, and records for it, as they are once they were JSON; a few are wrong."""
    names = draw(st.lists(st.sampled_from(list(EXAMPLES)), min_size=1, max_size=3, unique=True))
    schema = Schema("frame", tuple(Schema.infer({name: EXAMPLES[name][0]}).fields[0] for name in names))
    rare = draw(st.sampled_from([0, 0, 1, 2]))
    values = {name: st.one_of(EXAMPLES[name][1], *[st.none(), odd][:rare]) for name in names}
    records = draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=6))
    if draw(st.integers(0, 9)) == 0:
        del records[-1][names[0]]
    return schema, orjson.loads(orjson.dumps(records))
