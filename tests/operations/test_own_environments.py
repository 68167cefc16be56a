"""serve --env own: versions that need other packages answer from processes of their own, behind the same door."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from colleague_models import DIES
from colleagues import captured, wheel
from serving_parts import NUMBERS, Load, client, first
from waiting import until

from workbench.api import Workbench
from workbench.bundle import venvs
from workbench.errors import BundleRefused, NotProven, UsageError

MORE = {"1": 0, "2": 1000, "3": 2000}
"""What each version adds."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four versions of `churn`: from here, and from three colleagues with another package each. That of the last is
    not to be had any more."""
    place = tmp_path_factory.mktemp("own")
    workbench = Workbench(place / "home")
    workbench.model("churn", first, example=NUMBERS, row_wise="yes")
    for number in ("1.0", "2.0", "3.0"):
        captured(place / f"colleague-{number}", wheel(place / "wheels", number), workbench.registry.folder)
    (place / "wheels" / "tally_of_tests-3.0-py3-none-any.whl").unlink()
    return place


@pytest.fixture
def api(place: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """Its environments, and what was proven in them, last for all tests."""
    monkeypatch.setenv("WORKBENCH_REGISTRY", str(place / "home" / "models"))
    monkeypatch.setenv("UV_FIND_LINKS", str(place / "wheels"))
    for name in ("environments", "proofs"):
        (place / name).mkdir(exist_ok=True)
        (home / name).symlink_to(place / name)
    workbench = Workbench(home)
    workbench.alias("churn@1", "live")
    yield workbench
    workbench.shutdown(all=True)


def answerers(service: Any) -> list[psutil.Process]:
    """The processes of versions behind its door."""
    workers = [psutil.Process(pid) for pid in service.refresh().facts["workers"]]
    below = [child for worker in workers for child in worker.children(recursive=True)]
    return [child for child in below if any("answerer.py" in part for part in command(child))]


def command(process: psutil.Process) -> list[str]:
    """How it was called; nothing where it ends just now."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def test_versions_of_other_packages_answer_beside_one_that_has_none(api: Workbench) -> None:
    service = api.serve("churn")
    kept = str(api.promote("churn@2"))
    assert "kept churn@1 ✗ churn@2 was refused" in kept
    assert "captured with other packages: tally-of-tests 1.0 there, not installed here" in kept
    assert "let it answer from an environment of its own: --env own, of predict, batch, serve" in kept
    service = api.serve("churn", env="own")
    assert "env none → own" in str(service)
    holdout = NUMBERS.assign(truth=first(NUMBERS) + 1000)
    assert "kept churn@1: mae 1000 " in str(api.promote("churn@3", if_="mae < live", on=holdout, target="truth"))
    with Load(service) as load:
        assert api.promote("churn@2", if_="mae < live", on=holdout, target="truth").promoted
        load.answered(40)
        (process,) = answerers(service)
        os.kill(process.pid, signal.SIGKILL)
        load.answered(40)
        (again,) = answerers(service)
        assert again.pid != process.pid
        api.promote("churn@1")
        load.answered(40)
    assert not load.failed
    until(lambda: not answerers(service))
    assert api.promote("churn", split="1=30,2=35,3=35").promoted
    said = "churn@2 answers from an environment of its own: tally-of-tests 1.0 · churn@3"
    until(lambda: said in str(service.refresh()))
    seen: Counter[str] = Counter()
    with client(service) as asking:
        for number in range(100):
            answer = asking.post("/predict", json={"a": 20.0 + number, "b": 1.0})
            version = answer.headers["x-workbench-version"]
            assert answer.json() == {"prediction": 61.0 + 3 * number + MORE[version]}
            seen[version] += 1
        assert seen.keys() == MORE.keys()
        wrong = asking.post("/predict", json={"a": "many", "b": 1.0}, headers={"X-Workbench-Version": "3"})
        assert (wrong.status_code, wrong.json()["column"]) == (400, "a")
    left = answerers(service)
    assert len(left) == 2
    service.stop()
    until(lambda: not any(process.is_running() for process in left))


def test_rows_that_end_its_process_are_refused_and_the_next_are_answered(api: Workbench) -> None:
    api.alias("churn@3", "live")
    service = api.serve("churn", env="own")
    with client(service) as asking:
        ended = asking.post("/predict", json={"a": DIES, "b": 1.0})
        assert ended.status_code == 500
        assert "churn@3 ended its process: exit code 3" in ended.json()["error"]
        assert asking.post("/predict", json={"a": 1.0, "b": 1.0}).json() == {"prediction": 2004.0}
    assert "deaths" not in str(service.refresh())


def test_an_environment_that_cannot_be_made_is_a_reason(api: Workbench) -> None:
    service = api.serve("churn", env="own")
    kept = api.promote("churn@4")
    assert not kept.promoted
    assert "the environment that churn@4 requires cannot be made" in kept.kept
    assert "tally-of-tests" in kept.kept
    with client(service) as asking:
        assert asking.post("/predict", json={"a": 1.0, "b": 1.0}).json() == {"prediction": 4.0}
    with pytest.raises(NotProven, match="the environment that churn@4 requires cannot be made"):
        api.serve("churn@4", env="own", name="four")
    with pytest.raises(BundleRefused, match="other packages"):
        api.predict("churn@4", NUMBERS)


def test_a_stream_follows_into_another_environment(api: Workbench, tmp_path: Path) -> None:
    api.put("queue:rows", NUMBERS)
    stream = api.stream("churn", "queue:rows", output=str(tmp_path / "out.csv"), env="own")
    out = tmp_path / "out.csv"
    until(lambda: out.exists() and len(out.read_text().splitlines()) == 1 + len(NUMBERS))
    assert api.promote("churn@3").promoted
    api.put("queue:rows", NUMBERS)
    until(lambda: len(out.read_text().splitlines()) == 1 + 2 * len(NUMBERS))
    assert "2005" in out.read_text()
    until(lambda: "churn@3 answers from an environment of its own: tally-of-tests 2.0" in str(stream.refresh()))


def test_what_happens_once_answers_from_there(api: Workbench, tmp_path: Path) -> None:
    for refused in (api.predict, api.explain):
        with pytest.raises(BundleRefused, match="let it answer from an environment of its own: --env own"):
            refused("churn@2", NUMBERS)
    truth = [float(value) for value in first(NUMBERS)]
    assert api.predict("churn@2", NUMBERS, env="own")["prediction"].tolist() == [value + 1000 for value in truth]
    NUMBERS.to_csv(tmp_path / "rows.csv", index=False)
    for workers in (None, 2):
        out = tmp_path / f"scored-{workers}.csv"
        api.batch("churn@3", str(tmp_path / "rows.csv"), output=str(out), env="own", workers=workers, wait=True)
        assert pd.read_csv(out)["prediction"].tolist() == [value + 2000 for value in truth]
    with pytest.raises(UsageError, match="--env is for this machine, not for an engine"):
        api.batch("churn@3", str(tmp_path / "rows.csv"), output="far/", env="own", engine="ray")
    with pytest.raises(UsageError, match="--env is for a model"):
        api.batch("some.ipynb", env="own")


def test_its_own_explanation_is_given_there(api: Workbench) -> None:
    said = api.explain("churn@2", NUMBERS, env="own")
    assert "as the model's own `explain` says" in str(said)
    assert said.frame()["a"].tolist() == (3 * NUMBERS["a"]).tolist()
    api.alias("churn@2", "live")
    service = api.serve("churn", env="own")
    with client(service) as asking:
        (row,) = asking.post("/explain", json={"a": 2.0, "b": 1.0}).json()["explanations"]
        assert (row["base"], row["contributions"]) == (1000.0, {"a": 6.0, "b": 1.0})


def test_an_environment_that_no_version_needs_is_cleared(api: Workbench, home: Path) -> None:
    api.predict("churn@2", NUMBERS, env="own")
    needed = set((home / "environments").iterdir())
    python = venvs.made("\n", platform.python_version().rpartition(".")[0], home, "nobody")
    place = python.parent.parent
    with subprocess.Popen([python, "-c", "input()"], stdin=subprocess.PIPE) as runs:
        assert not api.prune().environments
        runs.communicate(b"\n")
    assert api.prune(dry_run=True).environments == (place.name,)
    assert "removed 1 environment, " in str(api.prune())
    assert set((home / "environments").iterdir()) == needed


def test_what_another_has_just_taken_away_is_no_hindrance(tmp_path: Path) -> None:
    (folder := tmp_path / "environments").mkdir()
    (folder / ".made-0123.txt").symlink_to("nowhere")  # is listed, and is not there
    assert venvs.made("\n", platform.python_version().rpartition(".")[0], tmp_path, "nobody").exists()
