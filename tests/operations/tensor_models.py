"""The models of Triton's examples, and one that answers each datatype with itself."""

from __future__ import annotations

from typing import Any

import numpy as np

SIMPLE = {"INPUT0": np.zeros((2, 16), "int32"), "INPUT1": np.ones((2, 16), "int32")}
STRINGS = {name: values.astype(str).astype(object) for name, values in SIMPLE.items()}
_KINDS = {"BOOL": bool, "FP16": "f2", "FP32": "f4", "FP64": "f8"}
_KINDS |= {f"{sign}INT{size}": f"{sign.lower()}int{size}" for sign in ("", "U") for size in (8, 16, 32, 64)}
EACH = {kind: np.array([0, 1], dtype) for kind, dtype in _KINDS.items()}


def simple(d: Any) -> Any:
    return {"OUTPUT0": d["INPUT0"] + d["INPUT1"], "OUTPUT1": d["INPUT0"] - d["INPUT1"]}


def simple_string(d: Any) -> Any:
    first, second = (np.array(d[name], int) for name in ("INPUT0", "INPUT1"))
    return {
        name: made.astype(str).astype(object)
        for name, made in (("OUTPUT0", first + second), ("OUTPUT1", first - second))
    }


def same(data: Any) -> Any:
    return data
