"""Which engine takes on what, told before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.engines import known
from workbench.engines.spark_session import Session, said
from workbench.errors import JobFailed, UsageError


def test_each_module_that_an_engine_names_is_there() -> None:
    folder = Path(known.__file__).parent
    for engine in known.ENGINES.values():
        assert set(engine.does) <= set(known.PATTERNS)
        assert all((folder / f"{module}.py").is_file() for module in engine.does.values())


def test_what_an_engine_does_not_take_on_is_said() -> None:
    with pytest.raises(UsageError, match="Ray has nothing for a run of one notebook"):
        known.check("ray", "notebook")


def test_what_is_missing_is_said_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs Ray, which is not installed here") as caught:
        known.check("ray", "score")
    assert caught.value.fix == "pip install 'deployment-workbench[ray]'"


@pytest.mark.parametrize(
    ("variable", "address"), [("SPARK_MASTER", "local[two]"), ("SPARK_MASTER", "spark:/h"), ("SPARK_REMOTE", "h:15002")]
)
def test_what_is_no_address_of_spark_is_said_at_once(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(JobFailed) as caught:
        Session("any")
    assert caught.value.what.startswith(f"{variable} is {address}, which is no ")


def test_a_pyspark_without_its_client_of_spark_connect_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:9")
    monkeypatch.setattr("workbench.engines.spark_session.find_spec", lambda _: None)
    with pytest.raises(JobFailed, match="needs the client of Spark Connect") as caught:
        Session("any")
    assert caught.value.fix == "pip install 'deployment-workbench[spark]'"


def test_of_what_java_says_the_cause_is_told() -> None:
    chain = [
        "An error occurred while calling o96.getResult.",
        ": org.apache.spark.SparkException: Exception thrown in awaitResult: ",
        "\tat org.apache.spark.util.SparkThreadUtils$.awaitResult(SparkThreadUtils.scala:53)",
        "Caused by: java.nio.file.AccessDeniedException: /data/inbox",
        "\tat java.base/sun.nio.fs.UnixException.translate(UnixException.java:90)",
        "Caused by: java.io.EOFException",
    ]
    assert said(Exception("\n".join(chain))) == "java.nio.file.AccessDeniedException: /data/inbox"
    assert said(Exception("")) == "Exception"
