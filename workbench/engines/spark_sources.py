"""A place that a stream reads -> the rows that Spark brings of it: bytes, each with its lane and its offset there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ..data.grammar import expand, parse
from ..errors import JobFailed, UsageError

if TYPE_CHECKING:
    from .spark_session import Session

VALUE, LANE, OFFSET = "value", "lane", "offset"
_KAFKA = "kafka://"
_BEGIN = {"start": "earliest", "end": "latest"}
_CONNECTOR = "org.apache.spark:spark-sql-kafka-0-10_2.13"
_NO_CONNECTOR = "data source: kafka"
_BYTES, _RECORDS = 1 << 26, 100_000
"""So much of what lies there already is one batch, which passes through the memory of this machine."""


def is_files(place: str) -> bool:
    """Whether it is a folder or a glob of files, which only an engine streams from."""
    return "://" not in place and not place.startswith("queue:")


def place(said: str, start: str) -> tuple[str, str, str]:
    """As it reads from every folder, as people call it, and the group that it names. UsageError for what Spark does not
    stream from, and for a `start` where it cannot begin."""
    if start not in ("start", "end")[: 1 + said.startswith(_KAFKA)]:
        raise UsageError(f"a stream of Spark does not begin at {start}", fix="leave --start out; of Kafka also: end")
    if is_files(said):
        whole = os.path.abspath(os.path.expanduser(said))
        return whole, whole, ""
    if not said.startswith(_KAFKA):
        fix = "a folder, a glob such as 'inbox/*.jsonl', or kafka://HOST:PORT/TOPIC"
        raise UsageError(f"{said}: Spark streams from files and from Kafka", fix=fix)
    at = parse(said)
    return said, at.label, at.options.get("group", "")


def read(session: Session, spec: dict[str, Any]) -> Any:
    """The rows as they arrive; a line of a file has no lane and no offset."""
    from pyspark.sql import functions as f

    at, value = expand(spec["input"]), f.col(VALUE).cast("binary").alias(VALUE)
    if is_files(at):
        return session.spark.readStream.format("text").option("maxBytesPerTrigger", _BYTES).load(at).select(value)
    lane, offset = f.col("partition").cast("string").alias(LANE), (f.col("offset") + 1).alias(OFFSET)
    return _kafka(session, at, spec).select(value, lane, offset)


def _kafka(session: Session, at: str, spec: dict[str, Any]) -> Any:
    """Options of the place are those of Kafka's own client for Java. JobFailed without Spark's connector."""
    url = urlsplit(at)
    options = {"kafka.bootstrap.servers": url.netloc, "subscribe": url.path.strip("/")}
    options |= {"startingOffsets": _BEGIN[spec["start"]], "failOnDataLoss": "true"}
    options["maxOffsetsPerTrigger"] = str(_RECORDS)
    options |= {f"kafka.{name}": value for name, value in parse_qsl(url.query) if name != "group"}
    try:
        return session.spark.readStream.format("kafka").options(**options).load()
    except Exception as error:
        if _NO_CONNECTOR not in str(error):
            raise
        line = f'PYSPARK_SUBMIT_ARGS="--packages {_CONNECTOR}:{session.spark.version} pyspark-shell"'
        what = f"Spark {session.spark.version} reads Kafka through a connector that is not part of it, and is not there"
        raise JobFailed(what, fix=f"export {line}, and start it again") from error
