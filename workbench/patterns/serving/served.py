"""A version that answers: its predictor, its schemas, and rows that it is known to answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...inference.schema import Schema

if TYPE_CHECKING:
    from pathlib import Path

    from ...bundle.version import ModelVersion
    from ...inference.fields import Table
    from ...inference.predictor import Predictor

_WARM_ROWS = 64


@dataclass(frozen=True)
class Served:
    """One version, loaded. `example` holds a few rows of its reference, None where none was kept; `kept` is the version
    as the registry has it; `speed` says whether its estimators answer by a fast path, empty where none was asked
    for; `needs` says what it has an environment of its own for, empty where it has none."""

    name: str
    version: int
    predictor: Predictor
    outputs: Schema
    example: Table | None
    kept: ModelVersion
    speed: str = ""
    needs: str = ""

    @classmethod
    def of(cls, version: ModelVersion, home: Path, *, fast: bool = False, own: bool = False) -> Served:
        """Load a version, `fast` with what of it is proven to answer so, in an environment of its `own` where it needs
        one; see `ModelVersion.predictor` for what may be wrong with it."""
        example = version.reference(_WARM_ROWS) if version.manifest.has_reference else None
        predictor = version.predictor(home, own=own)
        needs = getattr(predictor, "needs", "")
        outputs = Schema.from_json(version.manifest.outputs)
        speed = ""
        if fast:
            from ...fast.prove import quicken

            speed = quicken(version, predictor)
        return cls(version.name, version.version, predictor, outputs, example, version, speed, needs)

    @cached_property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    @cached_property
    def inputs(self) -> Schema:
        return self.predictor.schema

    @cached_property
    def none(self) -> Table:
        """The answer to no rows, for which the model is not asked, as `predict` and `batch` do not either."""
        return {field.name: field.cast(np.empty((0, *field.shape), object)) for field in self.outputs.fields}

    def warm(self) -> None:
        """Answer the example, all rows and the first alone. ModelFailed where it cannot."""
        if self.example is None:
            return
        self.predictor.predict(self.example)
        self.predictor.predict({name: values[:1] for name, values in self.example.items()})
