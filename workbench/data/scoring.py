"""A piece and a predictor -> the piece's columns, then the predictions; shared by all that score stores."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .answers import Answers, number_type
from .columns import typed
from .pieces import Piece, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from ..inference.predictor import Predictor
    from ..inference.schema import Schema


@dataclass(frozen=True)
class Form:
    """How an input holds its values and what an output keeps of them. `text` is the input's (see `Source`); `verbatim`
    says that both hold the same text, which goes through as it is; `keep` names the columns that are kept, None all."""

    label: str
    text: str | None
    verbatim: bool
    keep: tuple[str, ...] | None = None

    @classmethod
    def of(cls, source: Source, text: str | None, keep: tuple[str, ...] | None = None) -> Form:
        """That of a source and of an output which holds such a `text`."""
        same = source.text is not None and source.text == text
        return cls(source.label, source.text, same and (keep is None or text == "csv"), keep)

    @property
    def lines(self) -> bool:
        """Whether the predictions are added to the very lines of the input."""
        return self.verbatim and self.text == "jsonl"

    def prepare(self, source: Source, predictor: Predictor, also: Collection[str] = ()) -> None:
        """Have the source read as it must be for this; only the columns that are needed, `also` among them."""
        schema = predictor.schema
        if self.keep is not None and schema.kind != "array":
            source.choose({*schema.names, *self.keep, *also})
        if self.text is not None and not self.verbatim:
            source.settle(schema.names)
        elif self.lines and not predictor.row_wise:
            source.settle(())  # the pieces become one table

    def kept(self, table: pa.Table) -> pa.Table:
        """The columns that are kept. BadInput for one that is not there."""
        if self.keep is None:
            return table
        missing = next((name for name in self.keep if name not in table.column_names), None)
        if missing is not None:
            what = f"{self.label} has no column {missing!r}, which is to be kept"
            raise BadInput(what, column=missing, where=self.label, fix=f"--keep {','.join(table.column_names)}")
        return table.select(list(self.keep))


class Scorer:
    """Scores the pieces of one input for one output.

    Values that the model does not take go through as they are. Those that it takes do so too when both
    ends hold the same text (CSV to CSV, JSON Lines to JSON Lines) or when the input has types; else
    they are written with the types of the model's schema. `answers` are those of all inputs of one output.
    """

    def __init__(self, predictor: Predictor, form: Form, answers: Answers) -> None:
        self._predictor, self._form, self._answers = predictor, form, answers

    def score(self, piece: Piece) -> tuple[pa.Table, list[bytes] | None]:
        """What to write for a piece: the table, and the lines that it extends where lines come back.

        Raises BadInput naming input, column and row, and ModelFailed.
        """
        form, schema = self._form, self._predictor.schema
        readable = read_text(piece.table, schema) if form.text == "csv" else piece.table
        try:
            rows = schema.table(readable, first_row=piece.first_row)
        except BadInput as error:
            error.where = f"{form.label}, {error.where}" if error.where else form.label
            raise
        as_it_is = form.verbatim or form.text is None
        kept = form.kept(piece.table if as_it_is else self._conformed(readable, rows))
        predicted = self._predictor.predict(rows, owned=True) if piece.table.num_rows else None
        predictions = self._answers.table(predicted, kept.column_names)
        if form.lines:
            self._refuse_twice(predictions.column_names, piece)
            return predictions, piece.lines
        for name in predictions.column_names:
            kept = kept.append_column(name, predictions.column(name))
        return kept, None

    def _conformed(self, table: pa.Table, rows: dict[str, Any]) -> pa.Table:
        encoded = self._predictor.schema.encode(rows)
        for name in encoded.column_names:
            if name in table.column_names:
                table = table.set_column(table.column_names.index(name), name, encoded.column(name))
        return table

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
            where=f"{self._form.label}, row {row}",
            fix=f"rename {twice!r} in the input, or write CSV or Parquet, whose columns are known beforehand",
        )


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
        return dict.fromkeys(there, number_type(fields[0].dtype))
    return {field.name: number_type(field.dtype) for field in fields}
