"""Forms ask for what a model takes and answer as it does."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import nbformat
import numpy as np
import pytest
from card_models import CUSTOMERS, added, first, labelled
from markup_parts import Read
from waiting import PATIENCE, until

from workbench.api import Workbench
from workbench.cards import reasons
from workbench.cards.forms import FormCard
from workbench.cards.notebooks import NotebookCard
from workbench.cards.reasons import Reasons
from workbench.errors import UsageError


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Any:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", first, example=CUSTOMERS)
    workbench.model("label", labelled, example=CUSTOMERS)
    yield workbench
    workbench.shutdown(all=True)


def form(api: Workbench, name: str = "churn") -> FormCard:
    return FormCard(api.registry.resolve(name), api.home)


def held(card: FormCard, **changed: Any) -> dict[str, str]:
    """What a browser would send: the values that the fields begin with, and those that were changed."""
    row = CUSTOMERS.iloc[0].to_dict() | changed
    return {name: json.dumps(value, default=lambda v: v.item()) for name, value in row.items()}


def test_a_form_asks_for_what_the_reference_tells(api: Workbench) -> None:
    read = Read(form(api).look()["fields"])
    (age, calls) = read.all("input", type="range")
    assert (age["min"], age["max"]) == ("18", "80")
    assert (calls["min"], calls["max"], calls["step"]) == ("0", "6", "1")
    assert [option["value"] for option in read.all("option")][:4] == ["null", '"<pro>"', '"basic"', '"plus"']
    assert read.all("input", type="checkbox", name="vip")
    assert read.all("input", data_missing="city")
    assert "Köln" in [option["value"] for option in read.all("option")]
    names = [a["name"] for t, a in read.elements if a.get("name")]
    assert names == list(CUSTOMERS)
    ids = {a["id"] for _, a in read.elements if "id" in a}
    assert {label["for"] for label in read.all("label") if "for" in label} <= ids


def test_it_answers_as_the_model_does(api: Workbench) -> None:
    card = form(api)
    assert "churn@1" in Read(card.look()["answer"]).text
    parts = card.press("predict", values=held(card, age=50.0, calls=3, vip=False))
    assert "3.5" in Read(parts["answer"]).text
    assert card.look()["answer"] == parts["answer"]
    assert "fields" not in parts


def test_a_curve_shows_how_the_answer_changes_with_one_field(api: Workbench) -> None:
    card = form(api)
    parts = card.press("predict", values=held(card, age=49.0, calls=0))
    age, calls = (Read(parts[f"curve-{number}"]).all("path") for number in (0, 1))
    assert len(age) == len(calls) == 2
    assert (calls[0]["d"] or "").count("L") == 6
    assert (age[1]["d"] or "").startswith("M50.0,")


def test_a_refusal_stands_in_the_place_of_the_answer(api: Workbench) -> None:
    card = form(api, "label")
    assert "thirteen is too many" in card.press("predict", values=held(card, age=13))["answer"]
    assert "age" in card.press("predict", values=held(card, age="old"))["answer"]
    answer = Read(card.press("predict", values=held(card, age=20.5, plan="plus"))["answer"]).text
    assert "score" in answer
    assert "41" in answer
    assert "more" in answer
    with pytest.raises(UsageError, match="no button 'stop'"):
        card.press("stop")


def test_a_model_of_an_array_is_asked_for_a_row(api: Workbench) -> None:
    api.model("sums", added, example=np.arange(12.0).reshape(4, 3))
    card = form(api, "sums")
    (name,) = [a["name"] for t, a in Read(card.look()["fields"]).elements if t == "textarea"]
    assert "6.5" in card.press("predict", values={str(name): "[1, 2, 3.5]"})["answer"]


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [nbformat.v4.new_code_cell("month = 1  # of 2013\nquick: bool = True\nname = 'a'\nrate = 0.5\nof = [1, 2]")]
    cells[0].metadata["tags"] = ["parameters"]
    cells.append(nbformat.v4.new_code_cell("print(month, quick, name, rate, of)"))
    file = tmp_path / "retrain me.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    return file


def test_a_notebook_is_run_with_what_was_changed(api: Workbench, notebook: Path) -> None:
    card = NotebookCard(str(notebook), api.home)
    read = Read(card.look()["fields"])
    assert read.all("input", name="month", type="number", value="1")
    assert "of 2013" in read.text
    values = {"month": "7", "quick": "true", "name": '"a"', "rate": "0.5", "of": '"[1, 2]"'}
    parts = card.press("run", values=values)
    assert parts["said"].startswith("began run/")
    (run,) = parts["detail"]
    until(lambda: run.look() and run.handle.job.over)
    assert run.handle.state == "done"
    assert run.handle.job.spec["parameters"] == {"month": 7}


def test_a_notebook_is_swept_and_scheduled(api: Workbench, notebook: Path) -> None:
    card = NotebookCard(str(notebook), api.home)
    parts = card.press("sweep", values={"+sweep": '"month"', "+values": '"2, 3"'})
    (run,) = parts["detail"]
    assert run.handle.job.spec["points"] == [{"month": 2}, {"month": 3}]
    with pytest.raises(UsageError, match="month is an int"):
        card.press("sweep", values={"+sweep": '"month"', "+values": '"2, x"'})
    (schedule,) = card.press("schedule", values={"+every": '"monday 6:00"'})["detail"]
    assert "next run" in schedule.look()["head"]
    swept = {"+every": '"monday 6:00"', "+sweep": '"month"', "+values": '"2..4"', "+best": '"auc"'}
    spec = card.press("schedule", values=swept)["detail"][0]._shown.schedule.spec
    assert ([point["month"] for point in spec["points"]], spec["best"]) == ([2, 3, 4], "auc")
    with pytest.raises(UsageError, match="needs a cycle"):
        card.press("schedule", values={})


def test_beside_the_form_stands_what_each_column_adds(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "PATIENCE", PATIENCE)
    card = form(api)
    assert card.press("explain") == {"why": ""}
    card.press("predict", values=held(card, age=80.0, calls=6, vip=False))
    why = Read(card.press("explain")["why"])
    assert "prediction 6.8" in why.text
    assert "the mean answer to the reference" in why.text
    assert next(style["class"] for style in why.all("span") if "style" in style) == "wb-up"
    assert why.text.index("calls = 6") < why.text.index("age = 80")


def test_an_explanation_ends_where_the_row_moves_on_and_waits_where_it_takes_long(
    api: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = form(api)
    card.press("predict", values=held(card, age=50.0))
    version = api.registry.resolve("churn")
    table, found = card._table([card._row]), Reasons(version)
    assert found.bars(version.predictor(api.home), table, lambda: True, asked=False) == ""
    monkeypatch.setattr(reasons, "PATIENCE", 0.0)
    for _ in range(2):
        assert Read(card.press("explain")["why"]).buttons() == ["explain"]
    assert "age = 50" in Read(card.press("explain", asked=True)["why"]).text


def test_what_is_not_explained_says_why(api: Workbench) -> None:
    api.model("private", first, example=CUSTOMERS, no_reference=True)
    card = form(api, "private")
    card.press("predict", values=held(card))
    assert "not explained" in card.press("explain")["why"]


def test_of_two_questions_the_older_is_left(api: Workbench) -> None:
    card = form(api)
    card.look()
    with card._lock:
        asking = [Thread(target=card.press, args=("predict",), kwargs={"values": held(card, age=a)}) for a in (20, 70)]
        for number, one in enumerate(asking, 1):
            one.start()
            until(lambda number=number: card._asks == number)
    for one in asking:
        one.join()
    assert card._row["age"] == 70
