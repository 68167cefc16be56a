"""A piece and a predictor -> the piece's columns, then the predictions; shared by all that score stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import BadInput, ModelFailed
from .columns import typed
from .pieces import Piece, Sink, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from ..inference.predictor import Predictor
    from ..inference.schema import Schema

_NUMBERS = {f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64)} - {"float8"}


class Scorer:
    """Scores the pieces of one input for one output.

    Values that the model does not take go through as they are. Those that it takes do so too when both
    ends hold the same text (CSV to CSV, JSON Lines to JSON Lines) or when the input has types; else
    they are written with the types of the model's schema. `outputs` names the predictions of no rows.
    """

    def __init__(
        self, predictor: Predictor, source: Source, sink: Sink | None, name: str, outputs: Schema | None = None
    ) -> None:
        self._predictor, self._label, self._name, self._outputs = predictor, source.label, name, outputs
        self._csv, self._typed_input = source.text == "csv", source.text is None
        self._verbatim = source.text is not None and sink is not None and source.text == sink.text
        self._lines = self._verbatim and source.text == "jsonl"
        self._names: dict[str, str] | None = None
        self._named_by = self
        self._types: dict[str, pa.DataType] = {}
        if source.text is not None and not self._verbatim:
            source.settle(predictor.schema.names)
        elif self._lines and not predictor.row_wise:
            source.settle(())  # the pieces become one table

    def name_as(self, other: Scorer) -> None:
        """Call the predictions as another scorer does, and give them its types: they go into one output."""
        self._types = other._types
        self._named_by = other

    def score(self, piece: Piece) -> tuple[pa.Table, list[bytes] | None]:
        """What to write for a piece: the table, and the lines that it extends where lines come back.

        Raises BadInput naming input, column and row, and ModelFailed.
        """
        readable = read_text(piece.table, self._predictor.schema) if self._csv else piece.table
        try:
            rows = self._predictor.schema.table(readable, first_row=piece.first_row)
        except BadInput as error:
            error.where = f"{self._label}, {error.where}" if error.where else self._label
            raise
        predictions = self._predictions(rows, piece.table)
        if self._lines:
            self._refuse_twice(predictions.column_names, piece)
            return predictions, piece.lines
        kept = piece.table if self._verbatim or self._typed_input else self._conformed(readable, rows)
        for name in predictions.column_names:
            kept = kept.append_column(name, predictions.column(name))
        return kept, None

    def _conformed(self, table: pa.Table, rows: dict[str, Any]) -> pa.Table:
        encoded = self._predictor.schema.encode(rows)
        for name in encoded.column_names:
            if name in table.column_names:
                table = table.set_column(table.column_names.index(name), name, encoded.column(name))
        return table

    def _predictions(self, rows: dict[str, Any], table: pa.Table) -> pa.Table:
        import pyarrow as pa

        if table.num_rows:
            answer = {
                name: as_arrow(values, name, self._name) for name, values in self._predictor.predict(rows).items()
            }
        else:
            answer = self._no_rows()
        self._names = self._names or self._named_by._names
        if self._names is None:
            self._names = self._named_by._names = free_names(list(answer), table.column_names, self._name)
        return pa.table({self._names.get(name, name): self._steady(name, column) for name, column in answer.items()})

    def _refuse_twice(self, predictions: list[str], piece: Piece) -> None:
        """BadInput where a line has a key that predictions were named before it was seen."""
        twice = next((name for name in predictions if name in piece.table.column_names), None)
        if twice is None:
            return
        at = next((i for i, line in enumerate(piece.lines or ()) if twice in json.loads(line)), 0)
        row = piece.first_row + at
        raise BadInput(
            f"row {row} has a column {twice!r}, which no row had when the predictions were named {twice!r}",
            column=twice,
            row=row,
            where=f"{self._label}, row {row}",
            fix=f"rename {twice!r} in the input, or write CSV or Parquet, whose columns are known beforehand",
        )

    def _no_rows(self) -> dict[str, pa.Array]:
        import pyarrow as pa

        if self._outputs is None:
            return {"prediction": pa.array([], pa.float64())}
        return {field.name: pa.array([], _arrow_type(field.dtype) or pa.string()) for field in self._outputs.fields}

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
                f"{self._name} answers {column.type} in {name!r}, and answered {wanted} for earlier rows",
                fix="make predict answer one dtype, whatever the rows are",
            ) from error


def read_text(table: pa.Table, schema: Schema) -> pa.Table:
    """The model's columns of a CSV file with missing values, and with numbers where all of it is numbers."""
    import pyarrow as pa

    wanted = number_types(schema, table.column_names)
    for i, name in enumerate(table.column_names):
        if name in wanted and pa.types.is_string(table.column(i).type):
            table = table.set_column(i, name, typed(table.column(i), wanted[name]))
    return table


def number_types(schema: Schema, there: list[str]) -> Mapping[str, pa.DataType | None]:
    """The model's columns with the Arrow type of those that are numbers; all columns for a model of one array."""
    fields = list(schema.fields)
    if schema.kind == "array" and len(fields) == 1 and fields[0].name not in there:
        return dict.fromkeys(there, _arrow_type(fields[0].dtype))
    return {field.name: _arrow_type(field.dtype) for field in fields}


def _arrow_type(dtype: str) -> pa.DataType | None:
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
