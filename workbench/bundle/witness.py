"""What the kernel answers to the example: asked twice, on the canonical table, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import text
from ..errors import BadInput, CaptureRefused, NotProven
from ..inference.answer import answer_table
from ..inference.predictor import Predictor
from ..inference.schema import Schema
from .equal import difference
from .layout import REFERENCE_ROWS, SAMPLE_ROWS
from .tables import Table, take

if TYPE_CHECKING:
    import numpy as np

_SEED = 0
_ASKED_AGAIN = 30


@dataclass(frozen=True)
class Witness:
    """The kernel's testimony. `reference` is a table of up to 10 000 rows as they come back from the schema's
    own encoding; `answer` is what the live model answers to its first `rows` rows, at most 1 000; `outputs` is
    the schema of that answer. `bit_stable` says that the model agreed with itself bit for bit when asked twice.
    """

    schema: Schema
    outputs: Schema
    reference: Table
    answer: Table
    rows: int
    bit_stable: bool
    predictor: Predictor

    @property
    def sample(self) -> Table:
        """The rows of the reference that the answer is for."""
        return take(self.reference, range(self.rows))

    def wavers(self) -> bool:
        """Whether the live model, asked some more times, disagrees with itself in the last bits: one that adds in
        several threads may have agreed twice by luck."""
        with one_thread():
            return any(
                difference(self.answer, self.predictor.predict(self.sample), exact=True) for _ in range(_ASKED_AGAIN)
            )


def witness(predictor: Predictor, example: Any) -> Witness:
    """Ask the live model behind `predictor` for its answers to `example` (a frame, array or dict of arrays).

    Raises CaptureRefused where the model reads what only the notebook has (the index of its frame),
    NotProven where it answers differently each time, and ModelFailed where it fails.
    """
    schema = predictor.schema
    rows = _sampled(_length(example))
    original = pick(example, rows)
    reference = schema.decode(schema.encode(schema.table(original)))
    count = min(len(rows), SAMPLE_ROWS)
    sample = take(reference, range(count))
    with one_thread():
        first, second = predictor.predict(sample), predictor.predict(sample)
        answered = _answer_to(predictor, pick(original, range(count)), count)
    bit_stable = _agrees(predictor.name, first, second)
    if difference(answered, first, exact=False):
        raise _reads_more(predictor, original, count, answered, first)
    outputs = _outputs(predictor.name, first)
    return Witness(schema, outputs, reference, outputs.decode(outputs.encode(first)), count, bit_stable, predictor)


def _length(example: Any) -> int:
    rows = len(next(iter(example.values()))) if isinstance(example, dict) else len(example)
    if not rows:
        raise BadInput("the example has no rows", fix="give rows that the model can answer: --example FRAME")
    return rows


def _sampled(rows: int) -> np.ndarray:
    """The rows to keep; beyond 1 000 in random order, so that the first 1 000 are a sample of all."""
    import numpy as np

    if rows <= SAMPLE_ROWS:
        return np.arange(rows)
    return np.random.default_rng(_SEED).permutation(rows)[:REFERENCE_ROWS]


def pick(example: Any, rows: Iterable[int]) -> Any:
    """The rows at these positions of a frame, array or dict of columns, as a copy of its own."""
    positions = list(rows)
    if isinstance(example, dict):
        return {name: pick(values, positions) for name, values in example.items()}
    if isinstance(example, list | tuple):
        return [example[row] for row in positions]
    return example.iloc[positions].copy() if hasattr(example, "iloc") else example[positions]


@contextmanager
def one_thread() -> Iterator[None]:
    """Numeric libraries use one thread, as in the clean process and in deployments."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(1):
        yield


def _answer_to(predictor: Predictor, given: Any, rows: int) -> Table:
    """What the model answers to rows as the notebook has them, with their index and their own memory layout."""
    return answer_table(predictor.call(given), rows)


def _outputs(name: str, answer: Table) -> Schema:
    try:
        return Schema.infer_table(answer)
    except BadInput as error:
        raise CaptureRefused(
            f"{name or 'the model'} answers what cannot be kept: {error.what}", fix=error.fix
        ) from error


def _agrees(name: str, first: Table, second: Table) -> bool:
    if not difference(first, second, exact=True):
        return True
    if found := difference(first, second, exact=False):
        raise NotProven(
            f"{name or 'the model'} answers differently when it is asked twice: {found[0]}",
            fix="fix its random seed, and keep what it changes out of predict",
        )
    return False


def _reads_more(predictor: Predictor, original: Any, count: int, answered: Table, first: Table) -> CaptureRefused:
    """Why the model answers the canonical rows otherwise than those of the notebook: the index, or the dtypes."""
    name, found = predictor.name or "the model", difference(answered, first, exact=False)[0]
    if hasattr(original, "reset_index"):
        with suppress(Exception), one_thread():
            plain = _answer_to(predictor, original.iloc[:count].reset_index(drop=True), count)
            if not difference(plain, first, exact=False):
                return CaptureRefused(
                    f"{name} reads the index of its frame, which rows of a file or a request do not have: {found}",
                    fix="make the index a column, `--example X.reset_index()`, and read that column in predict",
                )
    return CaptureRefused(
        f"{name} answers otherwise after its {text.count(count, 'row')} went through the schema: {found}",
        fix="give predict plain columns (numbers, text, dates, categories) that do not depend on the notebook",
    )
