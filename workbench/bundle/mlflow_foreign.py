"""A model that others have registered in MLflow, of any flavour -> a bundle that predicts with it, proven here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..capture import adapters
from ..capture.captured import Session
from ..errors import UsageError
from .layout import Manifest, write_manifest
from .registry import Registry
from .write import Request

_ROWS = 3
_VALUES: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False, True),
    "integer": (0, 1, 2),
    "long": (0, 1, 2),
    "float": (0.0, 1.0, 0.5),
    "double": (0.0, 1.0, 0.5),
    "string": ("a", "b", ""),
    "datetime": ("2024-01-01", "2024-02-29", "2024-12-31"),
}


def describe(folder: Path, name: str, created: int, note: str, user: str) -> None:
    """Write what is known of such a model before it is fetched: a manifest without a model."""
    when = datetime.fromtimestamp(created / 1000, UTC).isoformat(timespec="seconds")
    origin = {"created": when, "note": note, "user": user, "cell": "MLflow"}
    write_manifest(folder, Manifest("", name, "", "", {}, {}, "", {}, origin=origin))


def bundle(folder: Path, name: str, ref: str, note: str, staging: Path) -> Path:
    """The bundle of the model in a folder of MLflow: its own input example proves it, or rows made after its signature.

    UsageError where it has neither; ModelFailed, NotProven where it cannot answer here.
    """
    from .register import register

    rows, its_own = _example(folder, ref)
    entry, session = adapters.mlflow(folder, Session({}), ref)
    request = Request(name, note, keep_reference=its_own)
    return register(entry, session, rows, Registry(staging / "made"), request).folder


def _example(folder: Path, ref: str) -> tuple[Any, bool]:
    """Rows that it takes, and whether whoever logged it gave them."""
    from mlflow.models import Model

    model = Model.load(str(folder))
    example = model.load_input_example(str(folder)) if model.saved_input_example_info else None
    if example is not None and hasattr(example, "__array__"):
        return example, True
    if model.signature is None or model.signature.inputs is None:
        what = f"{ref} says neither by a signature nor by an example which rows it takes"
        raise UsageError(what, fix="log it again with input_example=…, or capture it: %workbench model NAME models:/…")
    return _made(model.signature.inputs, ref), False


def _made(inputs: Any, ref: str) -> Any:
    import numpy as np
    import pandas as pd

    if inputs.is_tensor_spec():
        (spec, *others) = inputs.inputs
        if others:
            raise UsageError(f"{ref} takes several arrays", fix="log it again with input_example=…")
        return np.zeros([_ROWS, *(max(size, 1) for size in spec.shape[1:])], spec.type)
    names, types = inputs.input_names(), [getattr(kind, "name", "") for kind in inputs.input_types()]
    unknown = next((name for name, kind in zip(names, types, strict=True) if kind not in _VALUES), None)
    if unknown is not None:
        raise UsageError(
            f"{ref}: of its column {unknown!r} no rows can be made", fix="log it again with input_example=…"
        )
    frame = pd.DataFrame({name: list(_VALUES[kind]) for name, kind in zip(names, types, strict=True)})
    return frame.astype(dict(zip(names, inputs.pandas_types(), strict=True)))
