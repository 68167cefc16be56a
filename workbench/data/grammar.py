"""The one grammar of places: where data is, in what format, with which options.

customers.csv  scores.parquet  events.jsonl.gz      a path, the format by its ending
s3://lake/customers.parquet                         any fsspec URL
customers.csv?encoding=latin-1&delimiter=;          options of text files; `?sheet=` of a workbook
sqlite:///shop.db?table=customers                   a SQLAlchemy URL with `table=`, or `query=` to its end
postgresql://db/risk?table=scores&mode=append       what to do with a table that is there
postgresql://db/risk?table=scores&key=id            a row whose key is there takes its place
queue:customers                                     the embedded log
redis://HOST:PORT/DB?stream=customers&group=scores  a stream of Redis; further options are the client's
kafka://HOST:PORT/customers?security.protocol=SSL   a topic of Kafka; options are librdkafka's
cloudevents://HOST:PORT/customers                   CloudEvents: an input listens there, an output sends them
nats://HOST:PORT/customers                          a subject that a stream of NATS JetStream keeps
amqp://HOST/VHOST?queue=customers                   a queue of RabbitMQ
${NAME}                                             read from the environment, shown unread
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlencode

from .. import text as words
from ..errors import UsageError
from . import broker_places
from .files import FilePath

FORMATS: Mapping[str, str] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_OPTIONS = {
    "csv": {"encoding", "delimiter", "format"},
    "tsv": {"encoding", "delimiter", "format"},
    "jsonl": {"encoding", "format"},
    "excel": {"sheet", "format"},
    "parquet": {"format"},
    "feather": {"format"},
}
_ALL_OPTIONS = frozenset[str]().union(*_OPTIONS.values())
_OF_TABLES = ("table", "mode", "key")
_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", "duckdb", "snowflake", "redshift")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.:-]+?)://")  # one letter is a drive of Windows
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"([?&][^=&\s]*(?:password|passwd|secret|token)[^=&\s]*=)(?!\$\{)[^&\s]*", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)([^:/@?]*):([^@/]+)@")


@dataclass(frozen=True)
class Place:
    """A place taken apart. `label` is what people are shown: absolute, without passwords or values of variables."""

    kind: str
    path: str
    label: str
    compressed: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def queued(self) -> bool:
        """Whether it is a queue, topic or stream, whose records come one after the other."""
        return self.kind == "queue" or self.kind in broker_places.KINDS

    @property
    def file(self) -> FilePath:
        return FilePath(self.path, self.label, self.compressed)


def parse(place: str) -> Place:
    """Take a place apart. Raises UsageError for what is none, naming what there is."""
    place = str(place)
    if place.startswith("queue:"):
        return _queue(place)
    scheme = _scheme(place)
    if kind := broker_places.kind_of(scheme):
        return _broker(place, scheme or "", kind)
    if scheme and is_database(place):
        return _database(place)
    if scheme and scheme != "file":
        _refuse_unknown(scheme, place)
    return _file(place, scheme)


def is_database(place: str) -> bool:
    """Whether a URL is that of a database."""
    scheme = _scheme(place) or ""
    return scheme.split("+")[0] in _DATABASES or bool(re.search(r"[?&](table|query)=", place))


def _queue(place: str) -> Place:
    """`queue:NAME`, the embedded log; `?durable=yes` for one that survives a loss of power."""
    from .log import check_name

    name, _, query = place.removeprefix("queue:").partition("?")
    check_name(name)
    options = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    for unknown in options.keys() - {"durable"}:
        raise UsageError(f"{place}: a queue has no option {unknown!r}", fix=f"queue:{name}?durable=yes")
    return Place("queue", name, f"queue:{name}", options=options)


def _broker(place: str, scheme: str, kind: broker_places.Kind) -> Place:
    """A topic of a broker; what `${NAME}` stands for may hold signs that mean something in a URL."""
    bare, query, label, options = broker_places.parts(place, kind)
    settings = urlencode({name: expand(value) for name, value in query.items()})
    whole = expand(bare, lambda value: quote(value, safe=":,"))
    return Place(scheme, whole + (f"?{settings}" if settings else ""), label, options=options)


def _scheme(place: str) -> str | None:
    match = _SCHEME.match(place)
    return match[1].lower() if match else None


def expand(place: str, written: Callable[[str], str] = str) -> str:
    """The place with `${NAME}` read from the environment, each value as `written` in it."""

    def value(match: re.Match[str]) -> str:
        if match[1] in os.environ:
            return written(os.environ[match[1]])
        close = words.closest(match[1], os.environ)
        fix = f"export {match[1]}=…" + (f" (or is it ${{{close}}}?)" if close else "")
        raise UsageError(f"{place} needs the variable {match[1]}, which is not set", fix=fix)

    return _VARIABLE.sub(value, place)


def shown(place: str) -> str:
    """The place without its password, in its address or its options."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", place))


def _database(place: str) -> Place:
    from .sql import neither
    from .sql_table import MODES

    before, found, query = _split_query(place)
    url, _, rest = before.partition("?")
    pairs = [pair for pair in rest.split("&") if pair]
    options = dict(pair.partition("=")[::2] for pair in pairs)
    kept = "&".join(pair for pair in pairs if pair.partition("=")[0] not in _OF_TABLES)
    chosen: dict[str, str] = {key: unquote_plus(options[key]) for key in _OF_TABLES if key in options}
    if found:
        chosen["query"] = query
    url = _absolute_sqlite(url)
    if not (chosen.get("table") or chosen.get("query")):
        raise neither(shown(url))
    if chosen.get("mode", "fail") not in MODES:
        raise UsageError(f"there is no mode {chosen['mode']!r}", fix="mode=append or mode=replace")
    if "key" in chosen and ("mode" in chosen or "table" not in chosen):
        raise UsageError(
            f"{shown(url)}: key= is for a table, and says what becomes of its rows", fix="?table=NAME&key=COLUMN"
        )
    label = shown(url) + (f"?table={chosen['table']}" if "table" in chosen else "?query=…")
    return Place("sql", expand(url + (f"?{kept}" if kept else "")), label, options=chosen)


def _split_query(place: str) -> tuple[str, bool, str]:
    """`query=` reaches to the end of the place, whatever the query holds; without a space it is URL-encoded."""
    match = re.search(r"[?&]query=", place)
    if match is None:
        return place, False, ""
    query = place[match.end() :]
    return place[: match.start()], True, query if re.search(r"\s", query) else unquote_plus(query)


def absolute(place: str) -> str:
    """The place as it reads from every folder, `${NAME}` unread. Raises UsageError for what is none."""
    at = parse(place)
    if at.kind == "sql":
        return _absolute_sqlite(place)
    return place if _scheme(place) or at.kind == "queue" else os.path.abspath(os.path.expanduser(place))


def _absolute_sqlite(url: str) -> str:
    match = re.match(r"^(sqlite(?:\+\w+)?:///)(?!/|:memory:|[A-Za-z]:|\$\{|$)(.+)$", url)
    return f"{match[1]}{os.path.abspath(match[2])}" if match else url


def _refuse_unknown(scheme: str, place: str) -> None:
    import fsspec

    known = {*fsspec.available_protocols(), *_DATABASES}
    if all(part in known for part in scheme.split("::")):
        return
    close = words.closest(scheme, known)
    raise UsageError(
        f"{shown(place)}: there is no place of the kind {scheme}://",
        fix=f"{close}://…" if close else "a path, s3://, gs://, https:// and others of fsspec, or a database URL",
    )


def _file(place: str, scheme: str | None) -> Place:
    path, options = _file_options(place)
    kind, compressed = _format(path, options)
    unknown = sorted(set(options) - _OPTIONS[kind])
    if unknown:
        takes = ", ".join(sorted(_OPTIONS[kind]))
        raise UsageError(f"{path}: a {kind} file has no option {unknown[0]!r}", fix=f"options: {takes}")
    if scheme == "file":
        path, scheme = unquote_plus(path.removeprefix("file://").replace("+", "%2B")), None
    if scheme is None:
        label = os.path.abspath(os.path.expanduser(path))
        return Place(kind, os.path.abspath(os.path.expanduser(expand(path))), label, compressed, options)
    return Place(kind, expand(path), shown(path), compressed, options)


def _file_options(place: str) -> tuple[str, dict[str, str]]:
    """Only what is an option of ours is taken off: other queries belong to the URL, or to the file's name."""
    path, mark, query = place.rpartition("?")
    if not mark:
        return place, {}
    pairs = [pair.partition("=") for pair in query.split("&")]
    ours = {key: unquote_plus(value.replace("+", "%2B")) for key, _, value in pairs if key in _ALL_OPTIONS}
    others = "&".join("".join(pair) for pair in pairs if pair[0] not in _ALL_OPTIONS)
    if others and "://" not in path:
        if ours or not os.path.exists(place):
            name = others.partition("=")[0]
            close = words.closest(name, _ALL_OPTIONS)
            fix = f"{close}=" if close else "encoding=, delimiter=, sheet= or format="
            raise UsageError(f"{place}: a file has no option {name!r}", fix=fix)
        return place, {}
    return (f"{path}?{others}" if others else path), ours


def _format(path: str, options: Mapping[str, str]) -> tuple[str, bool]:
    name = path.split("?")[0].rstrip("/").rsplit("/", 1)[-1].lower()
    compressed = name.endswith(".gz")
    ending = os.path.splitext(name.removesuffix(".gz"))[1]
    kind = options.get("format") or FORMATS.get(ending)
    if kind not in _OPTIONS:
        raise _unknown_format(path, options.get("format"), ending)
    if compressed and kind not in ("csv", "tsv", "jsonl"):
        raise UsageError(
            f"{path}: only CSV, TSV and JSON Lines are read and written as .gz", fix=path.removesuffix(".gz")
        )
    return kind, compressed


def _unknown_format(path: str, named: str | None, ending: str) -> UsageError:
    known = ", ".join(FORMATS)
    if named:
        return UsageError(f"{path}: there is no format {named!r}", fix=f"formats: {', '.join(_OPTIONS)}")
    if ending == ".xls":
        return UsageError(f"{path} is of Excel before 2007", fix="save it as .xlsx")
    if not ending:
        return UsageError(f"{path} has no ending that tells its format", fix=f"give it one of {known}, or ?format=csv")
    close = words.closest(ending, FORMATS)
    what = f"{path}: files that end in {ending} are not known"
    return UsageError(what, fix=f"did you mean {close}? known: {known}" if close else f"known: {known}")
