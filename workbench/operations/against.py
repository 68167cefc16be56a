"""A version and a URL -> whether the service there answers the reference rows as the version's cell did."""

from __future__ import annotations

import os
import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import text
from ..bundle.equal import difference, same_rows
from ..bundle.layout import ANSWER
from ..bundle.tables import concat, n_rows, read_table, take
from ..data import detection
from ..data.decoding import Decoder
from ..data.dialects import NAMELESS
from ..data.encoding import dumps, finite
from ..data.grammar import expand
from ..data.remote import SECONDS, Remote, TooLarge
from ..errors import BadInput, NotProven, UsageError, WorkbenchError
from ..inference.schema import Schema
from .addresses import address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..bundle.registry import Registry
    from ..bundle.version import ModelVersion
    from ..data.dialects import Columns, Dialect
    from ..inference.fields import Table
    from .running import Running

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Agreement:
    """That a service answers as a version's cell did: to `rows` of the reference, within the tolerance (of single
    precision, where it answers in that); `left_out` rows hold infinities, which JSON cannot."""

    name: str
    url: str
    protocol: str
    rows: int
    left_out: int
    single: bool
    seconds: float

    def __str__(self) -> str:
        how = f"{self.protocol}, within the tolerance{' of single precision' if self.single else ''}"
        equal = f"{text.count(self.rows)} of {text.count(self.rows, 'reference row')} equal"
        lines = [
            f"{self.name} ✓ {self.url} answers what its cell answered: {equal} ({how}, {text.seconds(self.seconds)})"
        ]
        lines += [f"  rows  {text.count(self.left_out, 'row')} left out: JSON has no infinity"] * bool(self.left_out)
        return "\n".join(lines)

    __repr__ = __str__

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def against(
    version: ModelVersion,
    where: str,
    variable: str | None,
    running: Running,
    registry: Registry,
    *,
    headers: Sequence[str] = (),
    timeout: float = SECONDS,
) -> Agreement:
    """Ask a service, a URL or the name of one of ours, for the version's reference rows. NotProven where one differs.

    `variable` of the environment holds its token; the token of a service of ours is known. `headers` are what its way
    in goes by, `NAME: VALUE`, where `${NAME}` is read from the environment. `timeout` is in seconds.
    """
    asked = address(where, running, registry)
    token = _token(variable) if variable else asked.token
    sent, secrets = _sent(headers)
    begun = time.monotonic()
    given, expected, left_out = _rows(version)
    schema = Schema.from_json(version.manifest.schema)
    own: dict[str, Any] = {"headers": sent, "secrets": secrets, "timeout": timeout}
    with Remote(asked.url, token=token, certificate=asked.certificate, **own) as remote:
        dialect = detection.dialect(remote, version.name, schema)
        answered = _asked(remote, dialect, given, Schema.from_json(version.manifest.outputs), version)
        place = remote.url
    single, expected = _in_single(expected, answered)
    _compare(version, place, dialect, expected, answered)
    seconds = round(time.monotonic() - begun, 3)
    return Agreement(version.ref, place, dialect.name, n_rows(expected), left_out, single, seconds)


def _token(variable: str) -> str:
    """The value of a variable; what was given instead of its name may be a secret, and is not shown."""
    if token := os.environ.get(variable):
        return token
    raise UsageError(
        "--token names a variable of the environment that holds the token; there is none of the name that was given",
        fix="set one, as in %env SERVICE_TOKEN=…, and give its name: --token SERVICE_TOKEN",
    )


def _sent(headers: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The headers by name, and what of them came from the environment."""
    sent, secrets = {}, list[str]()

    def kept(value: str) -> str:
        secrets.append(value)
        return value

    for header in headers:
        name, _, value = header.partition(":")
        sent[name.strip()] = found = expand(value.strip(), kept)
        if not _NAME.fullmatch(name.strip()) or not (found and found.isascii() and found.isprintable()):
            raise UsageError("--header takes a name and a value", fix="--header 'Host: churn.example.com'")
    return sent, tuple(secrets)


def _rows(version: ModelVersion) -> tuple[Table, Table, int]:
    """The reference rows that were answered, and the answers, without those that JSON cannot carry; how many these
    are."""
    reference = version.reference()
    expected = read_table(version.folder / ANSWER, version.manifest.outputs)
    given = take(reference, range(n_rows(expected)))
    fit = np.flatnonzero(finite(given) & finite(expected))
    left_out = n_rows(expected) - len(fit)
    if left_out and (not len(fit) or not version.manifest.row_wise):
        raise NotProven(
            f"{text.count(left_out, 'reference row')} of {version.ref} hold infinities, which JSON cannot carry, and "
            "its other rows cannot be asked without them",
            fix=f"prove it here: %workbench verify {version.ref}",
        )
    return take(given, fit), take(expected, fit), left_out


def _asked(remote: Remote, dialect: Dialect, given: Table, outputs: Schema, version: ModelVersion) -> Table:
    """The answers to the rows: in one request, as they were asked in the kernel; in halves where that is too large
    and the model answers rows one by one."""
    rows = n_rows(given)
    try:
        said = _said(remote, dialect, given)
    except TooLarge:
        if rows == 1 or not version.manifest.row_wise:
            raise
        halves = (range(rows // 2), range(rows // 2, rows))
        return concat([_asked(remote, dialect, take(given, half), outputs, version) for half in halves])
    return _fitted(dialect.read(said), outputs, rows, version, remote)


def _said(remote: Remote, dialect: Dialect, given: Table) -> Any:
    try:
        return remote.ask(dialect.path, dumps(dialect.ask(given)))
    except (TooLarge, UsageError):
        raise
    except NotProven:
        if dialect.otherwise is None:
            raise
        try:
            return remote.ask(dialect.path, dumps(dialect.otherwise(given)))
        except WorkbenchError:
            pass
        raise


def _fitted(columns: Columns, outputs: Schema, rows: int, version: ModelVersion, remote: Remote) -> Table:
    """The columns of an answer by the names and dtypes of the version's own. NotProven where they cannot be these."""
    named = _named(columns, outputs.names)
    if named is None:
        there = ", ".join(name or "values without a name" for name in columns)
        what = f"{remote.url} answers {there}; {version.ref} answers {', '.join(outputs.names)}"
        raise NotProven(what, fix="name the service of this model, or another version: %workbench models")
    wrong = next((len(values) for values in named.values() if len(values) != rows), None)
    if wrong is not None:
        what = f"{remote.url} answers {text.count(wrong, 'row')} to {text.count(rows, 'row')}"
        raise NotProven(what, fix="look at its model: an answer is owed to each row")
    try:
        return _cast(named, outputs)
    except BadInput as error:
        what = f"{remote.url} answers other values than {version.ref}: {error.what}"
        raise NotProven(what, fix="name the service of this model, or another version: %workbench models") from error


def _named(columns: Columns, names: list[str]) -> Columns | None:
    """The columns under the expected names: by name; by position where the protocol or the server names otherwise."""
    if columns.keys() == set(names):
        return columns
    if len(columns) == 1:
        ((name, values),) = columns.items()
        if len(names) == 1 and name not in names:
            return {names[0]: values}
        wide = len(values) and all(isinstance(row, list | np.ndarray) and len(row) == len(names) for row in values)
        return {n: [row[i] for row in values] for i, n in enumerate(names)} if wide else None
    foreign = len(columns) == len(names) and not columns.keys() & set(names) and NAMELESS not in columns
    return dict(zip(names, columns.values(), strict=True)) if foreign else None


def _cast(columns: Columns, outputs: Schema) -> Table:
    """The dtypes of the version's answers; numbers that came in single precision, or in less, stay so."""
    lists = [columns[name] for name in outputs.names]
    single = [
        isinstance(values, np.ndarray) and f.dtype == "float64" for f, values in zip(outputs.fields, lists, strict=True)
    ]
    plain = [values.tolist() if isinstance(values, np.ndarray) else values for values in lists]
    table = Decoder(outputs).table([plain])
    return {name: v.astype(np.float32) if one else v for (name, v), one in zip(table.items(), single, strict=True)}


def _in_single(expected: Table, answered: Table) -> tuple[bool, Table]:
    """The expected values as precise as those that came."""
    single = [n for n in expected if expected[n].dtype == np.float64 and answered[n].dtype == np.float32]
    return bool(single), {n: v.astype(np.float32) if n in single else v for n, v in expected.items()}


def _compare(version: ModelVersion, place: str, dialect: Dialect, expected: Table, answered: Table) -> None:
    found = difference(expected, answered, exact=False)
    if not found:
        return
    rows = n_rows(expected)
    alike = all(expected[n].dtype == answered[n].dtype and expected[n].shape == answered[n].shape for n in expected)
    equal = int(same_rows(expected, answered, exact=False).sum()) if alike else 0
    raise NotProven(
        f"{version.ref}: {text.count(equal)} of {text.count(rows, 'reference row')} equal at {place} ({dialect.name}); "
        f"its cell's answer stands first: {found[0]}",
        where="; ".join(_more(found)) or None,
        fix="look which version answers there, and with which packages",
    )


def _more(found: list[str]) -> Iterator[str]:
    yield from found[1:4]
