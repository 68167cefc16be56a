"""A version is promoted where it shows what was asked of it; else what is live stays, and that is no error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from gate_models import blunt, holdout, sharp, sharper
from serving_parts import client
from waiting import until

from workbench.api import Workbench
from workbench.errors import UsageError

ROWS = holdout()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions: the first, a worse and a better one."""
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (sharp, blunt, sharper):
        workbench.model("churn", function, example=ROWS, target="late", row_wise="yes")
    return workbench.registry.folder


@pytest.fixture
def churn(home: Path, tmp_path: Path, registry: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """The first is live."""
    monkeypatch.setenv("WORKBENCH_REGISTRY", str(registry))
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(home)
    workbench.alias("churn@1", "live")
    yield workbench
    workbench.shutdown(all=True)


def live(api: Workbench) -> int:
    return api.registry.aliases("churn")["live"]


def test_a_worse_version_is_kept_away_and_a_better_one_comes(churn: Workbench) -> None:
    kept = churn.promote("churn@2", if_="auc >= live, log_loss <= 9", on=ROWS, note="try")
    assert (kept.promoted, live(churn)) == (False, 1)
    head, held, _ = str(kept).split("\n")
    assert head.startswith("kept churn@1: auc 0.")
    assert head.endswith(" on 400 rows")
    assert held.startswith("  held  log_loss")
    assert "≤ 9" in held
    assert kept.to_json()["promoted"] is False
    moved = churn.promote("churn@3", if_="auc >= live", on=ROWS)
    assert (moved.promoted, live(churn)) == (True, 3)
    told = [(event.text, event.details.get("note")) for event in churn.history("churn")]
    assert told[0][0].startswith("churn@2 was refused: auc 0.")
    assert told[0][1] == "try"
    assert told[1][0] == "churn@live moved to churn@3"
    assert "auc 0." in str(churn.history("churn")).split("\n")[2], "what it has shown stands there as the reason"


def test_outcomes_may_stand_beside_the_rows_or_in_a_file(churn: Workbench, tmp_path: Path) -> None:
    ROWS.to_csv(tmp_path / "holdout.csv", index=False)
    assert churn.promote("churn@3", if_="accuracy > 0.6", on="holdout.csv").promoted
    assert churn.promote("churn@1", if_="auc > 0.6", on=ROWS.rename(columns={"late": "y"}), target="y").promoted
    assert churn.promote("churn@3", if_="auc > 0.6", on=ROWS[["a", "b"]], target=ROWS["late"]).promoted


def test_checks_and_measures_of_the_users_own(churn: Workbench) -> None:
    def profit(outcomes: Any, answers: Any) -> float:
        return float((outcomes * answers).sum())

    def bold(outcomes: Any, new: Any, live: Any) -> Any:
        return "too timid" if new.max() < 2 else True

    assert not churn.promote("churn@2", if_="profit >= live", metric=profit, on=ROWS).promoted
    said = churn.promote("churn@3", if_=["profit <= 9000", bold], metric=profit, on=ROWS)
    assert str(said).startswith("kept churn@1: bold: too timid on 400 rows\n  held  profit ")
    assert churn.promote("churn@3", if_=lambda outcomes, new, live: new.max() < 2, on=ROWS).promoted


def test_rows_without_an_outcome_do_not_count(churn: Workbench) -> None:
    rows = ROWS.assign(late=ROWS["late"].astype(float).where(ROWS.index < 100))
    assert "on 100 rows" in str(churn.promote("churn@2", if_="auc >= live", on=rows))


def test_the_first_version_has_none_to_be_compared_with(churn: Workbench) -> None:
    churn.alias("churn", "live", remove=True)
    assert "refused: auc" in str(churn.promote("churn@2", if_="auc >= 0.9", on=ROWS))
    said = str(churn.promote("churn@2", if_="auc >= live", on=ROWS))
    assert "nothing is live" in said
    assert live(churn) == 2


WRONG: list[dict[str, Any]] = [
    {"if_": "auc >= live"},
    {"on": ROWS},
    {"if_": "auc = live", "on": ROWS},
    {"if_": "auc >= live", "on": ROWS[["a", "b"]]},
    {"if_": "auc >= live", "on": ROWS, "target": [1, 0]},
    {"if_": "auc >= live", "on": ROWS, "since": "1h"},
    {"if_": "luck >= live", "on": ROWS},
    {"if_": "auc >= live", "on": ROWS, "metric": "profit"},
    {"if_": "auc >= live", "on": ROWS, "answer": "chance"},
    {"if_": "auc >= live", "on": "requests"},
    {"if_": "shadow >= live"},
    {"if_": "agreement >= live", "on": ROWS},
    {"if_": 3, "on": ROWS},
]


def test_what_is_no_gate_is_refused(churn: Workbench) -> None:
    for wrong in WRONG:
        with pytest.raises(UsageError):
            churn.promote("churn@3", **wrong)
    assert live(churn) == 1


def test_logged_traffic_is_a_gate_and_a_comparison(churn: Workbench) -> None:
    service = churn.serve("churn", log_requests=True)
    with client(service) as asking:
        body = ROWS[["a", "b"]].head(50).to_dict("records")
        assert asking.post("/predict", json=body, headers={"X-Request-Id": "one"}).status_code == 200
    differs = churn.diff("churn@live", "churn@3", on="requests", since="1h")
    assert "of 50 logged rows" in str(differs)
    assert not churn.diff("churn@1", "churn@1", on="requests").predictions.columns
    assert not churn.promote("churn@2", if_="agreement >= 0.95", on="requests", since="1h").promoted
    with pytest.raises(UsageError, match="no row of --on has a true outcome"):
        churn.promote("churn@2", if_="auc >= live", on="requests")
    known = pd.DataFrame({"request": "one", "row": range(40), "late": ROWS["late"].head(40)})
    churn.feedback("churn", known)
    assert "on 40 logged rows" in str(churn.promote("churn@2", if_="auc >= live", on="requests"))
    said = churn.promote("churn@3", canary="50", if_="auc >= live - 0.2", on="service/churn")
    assert said.promoted
    assert "held" in str(said)


def test_what_it_has_shown_as_a_shadow_is_a_gate(churn: Workbench) -> None:
    service = churn.serve("churn")
    with pytest.raises(UsageError, match="churn@2 is no shadow"):
        churn.promote("churn@2", if_="shadow >= 0.9")
    churn.promote("churn@2", shadow=True)
    assert "kept churn@1: as a shadow churn@2 was asked nothing yet" in str(
        churn.promote("churn@2", if_="shadow >= 0.9")
    )
    with client(service) as asking:
        for row in ROWS[["a", "b"]].head(30).to_dict("records"):
            asking.post("/predict", json=row)
    until(lambda: re.search(r"[1-9]\d* different", str(churn.status("service/churn"))))
    assert re.search(
        r"kept churn@1: shadow 0\S* < 0\.9 on \d+ requests", str(churn.promote("churn@2", if_="shadow >= 0.9"))
    )
    said = churn.promote("churn@2", if_="shadow >= 0, auc > 0.1", on=ROWS)
    assert said.promoted
    assert [gate.said.split()[0] for gate in said.gates] == ["shadow", "auc"]
