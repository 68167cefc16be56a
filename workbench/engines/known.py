"""The engines by name: which patterns each takes on, what it needs, and where it is told of its cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..errors import UsageError

LOCAL = "local"
PATTERNS = {
    "score": "a batch of a store",
    "notebook": "a run of one notebook",
    "sweep": "a sweep of a notebook",
    "service": "a service",
    "stream": "a stream",
}
"""What may be taken on, by what a spec calls it, in words."""


@dataclass(frozen=True)
class Engine:
    """`module` is what must be installed for it, with the extra of its name; `reads` are the variables that say where
    its cluster is, `does` the module of this room for each pattern that it takes on. With streams it `reads_itself`, or
    answers what the loop of this machine reads."""

    name: str
    title: str
    module: str
    reads: tuple[str, ...]
    does: dict[str, str] = field(default_factory=dict)
    reads_itself: bool = False


_SPARK = ("SPARK_REMOTE", "SPARK_MASTER", "SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_PYTHON", "PYSPARK_SUBMIT_ARGS")
_ALL = (
    Engine(
        "ray",
        "Ray",
        "ray",
        ("RAY_ADDRESS",),
        {"score": "ray_batch", "sweep": "ray_sweep", "service": "ray_serving", "stream": "ray_stream"},
    ),
    Engine(
        "spark",
        "Spark",
        "pyspark",
        (*_SPARK, "JAVA_HOME", "HADOOP_CONF_DIR"),
        {"score": "spark_batch", "stream": "spark_stream"},
        reads_itself=True,
    ),
)
ENGINES = {engine.name: engine for engine in _ALL}


def check(name: str, pattern: str) -> None:
    """UsageError where the engine has nothing for the pattern, or is not installed."""
    engine = ENGINES[name]
    if pattern not in engine.does:
        fix = f"leave --engine out; {engine.title} takes on {', '.join(PATTERNS[one] for one in engine.does)}"
        raise UsageError(f"{engine.title} has nothing for {PATTERNS[pattern]}", fix=fix)
    if find_spec(engine.module) is None:
        what = f"--engine {name} needs {engine.title}, which is not installed here"
        raise UsageError(what, fix=f"pip install 'deployment-workbench[{name}]'")


def variables(name: str | None) -> tuple[str, ...]:
    """The variables that say where the cluster of an engine is."""
    return ENGINES[name].reads if name else ()


def part(name: str, pattern: str) -> Any:
    """The module that takes a pattern on."""
    return import_module(f".{ENGINES[name].does[pattern]}", __package__)
