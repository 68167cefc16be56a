"""Predictions of many pieces -> columns of one name and one type each, beside those that they are written with."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ..errors import ModelFailed

if TYPE_CHECKING:
    import pyarrow as pa

    from ..inference.fields import Table
    from ..inference.schema import Schema


class Answers:
    """The names and types of a model's predictions, which the first piece gives and all others have.

    `outputs` names the predictions of no rows. `to_json` holds what was found, for another process or a later run.
    """

    def __init__(self, model: str, outputs: Schema | None = None) -> None:
        self._model, self._outputs = model, outputs
        self._names: dict[str, str] | None = None
        self._types: dict[str, pa.DataType] = {}

    @property
    def known(self) -> bool:
        """Whether a piece was answered: its types are those of all."""
        return bool(self._types)

    def to_json(self) -> dict[str, Any]:
        """What was found, as JSON values."""
        import pyarrow as pa

        types = pa.schema(list(self._types.items())).serialize().to_pybytes()
        return {"names": self._names, "types": base64.b64encode(types).decode()}

    def learn(self, found: dict[str, Any]) -> None:
        """Take over what `to_json` said elsewhere."""
        import pyarrow as pa

        types = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(found["types"])))
        self._names, self._types = found["names"], {field.name: field.type for field in types}

    def table(self, predicted: Table | None, beside: list[str]) -> pa.Table:
        """The predictions, or those of no rows, under names that are not among the columns `beside` them. ModelFailed
        for values of another type than earlier ones."""
        import pyarrow as pa

        if predicted is None:
            answer = self._of_no_rows()
        else:
            answer = {name: as_arrow(values, name, self._model) for name, values in predicted.items()}
        if self._names is None:
            self._names = free_names(list(answer), beside, self._model)
        return pa.table({self._names.get(name, name): self._steady(name, column) for name, column in answer.items()})

    def _of_no_rows(self) -> dict[str, pa.Array]:
        import pyarrow as pa

        if self._outputs is None:
            return {"prediction": pa.array([], pa.float64())}
        return {field.name: pa.array([], number_type(field.dtype) or pa.string()) for field in self._outputs.fields}

    def _steady(self, name: str, column: pa.Array) -> pa.Array:
        """The prediction in the type that it had in the first piece."""
        import pyarrow as pa

        wanted = self._types.setdefault(name, pa.string() if pa.types.is_null(column.type) else column.type)
        if column.type == wanted:
            return column
        try:
            return column.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ModelFailed(
                f"{self._model} answers {column.type} in {name!r}, and answered {wanted} for earlier rows",
                fix="make predict answer one dtype, whatever the rows are",
            ) from error


_NUMBERS = {f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)} - {"float8"}


def number_type(dtype: str) -> pa.DataType | None:
    """The Arrow type of a dtype of numbers or booleans."""
    import pyarrow as pa

    plain = dtype.lower()
    return getattr(pa, plain)() if plain in _NUMBERS else pa.bool_() if plain in ("bool", "boolean") else None


def as_arrow(values: Any, name: str, model: str) -> pa.Array:
    """A prediction as Arrow: one value per row, or a list per row where the array has more dimensions."""
    import numpy as np
    import pyarrow as pa

    try:
        if isinstance(values, np.ndarray) and values.ndim > 1:
            flat = as_arrow(np.ascontiguousarray(values).reshape(-1, *values.shape[2:]), name, model)
            return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        # NaN of a floating-point answer stays NaN; in objects it means a missing value
        array = pa.array(values, from_pandas=not (isinstance(values, np.ndarray) and values.dtype.kind == "f"))
        return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        said = str(error).splitlines()[0]
        what = f"{model} answers values in {name!r} that are not of one kind: {said}"
        raise ModelFailed(what, fix="make predict answer one dtype per column") from error


def free_names(predictions: list[str], taken: list[str], model: str) -> dict[str, str]:
    """The names of the predictions beside columns of the input: `prediction_churn` where `prediction` is taken."""
    used, free = set(taken), {}
    for name in predictions:
        new, number = name, 1
        while new in used:
            suffix = "" if number == 1 else f"_{number}"
            new, number = f"{name}_{model.partition('@')[0] or 'model'}{suffix}", number + 1
        used.add(new)
        free[name] = new
    return free
