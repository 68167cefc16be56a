"""A model that reads a variable of the environment: named where it is missing, and never stored."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from environment_models import NAME, priced
from serving_parts import afresh

from workbench.api import Workbench
from workbench.errors import BundleRefused, UsageError

AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})
VALUE = "2.500000125"


@pytest.fixture
def priced_model(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(NAME, VALUE)
    version = api.model("priced", priced, example=AGES)
    assert version.manifest.environment == [NAME]
    monkeypatch.delenv(NAME)
    return "priced"


def test_it_is_refused_by_name_where_the_variable_is_missing(
    api: Workbench, priced_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleRefused, match=f"reads the environment variable {NAME}, which is not set here") as refused:
        api.predict(priced_model, AGES)
    assert "--env-file FILE" in (refused.value.fix or "")
    monkeypatch.setenv(NAME, "4")
    assert api.predict(priced_model, AGES)["prediction"].tolist() == [4.0, 8.0, 12.0]


def test_what_runs_in_the_background_gets_it_from_a_file(api: Workbench, priced_model: str, tmp_path: Path) -> None:
    AGES.to_csv(tmp_path / "ages.csv", index=False)
    for begin in (
        lambda: api.serve(priced_model),
        lambda: api.batch(priced_model, str(tmp_path / "ages.csv"), output=str(tmp_path / "scored")),
        lambda: api.stream(priced_model, "queue:ages", output=str(tmp_path / "out.jsonl")),
    ):
        with pytest.raises(UsageError, match=f"reads the environment variable {NAME}") as refused:
            begin()
        assert f"{NAME}=…" in (refused.value.fix or "")
    assert "live" not in api.registry.aliases(priced_model), "who was refused has changed nothing"
    (tmp_path / "variables").write_text(f"{NAME}=3\n")
    service = api.serve(priced_model, env_file=str(tmp_path / "variables"))
    assert afresh(service, "/predict", json={"age": 2.0}).json()["prediction"] == 6.0


def test_its_value_is_in_no_file(home: Path, priced_model: str) -> None:
    files = [file for file in home.rglob("*") if file.is_file()]
    assert len(files) > 10
    assert not [file for file in files if VALUE.encode() in file.read_bytes()]
