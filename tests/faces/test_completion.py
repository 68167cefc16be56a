from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from workbench.api import Workbench
from workbench.bundle.layout import MANIFEST
from workbench.faces import completion, magics
from workbench.specs.verbs import VERBS

NAMES: dict[str, Any] = {
    "X_test": pd.DataFrame({"age": [1], "late rate": [2]}),
    "X_train": pd.DataFrame({"age": [1]}),
    "clf": type("Fitted", (), {"predict": lambda self, X: X})(),
    "_hidden": pd.DataFrame(),
    "n": 3,
}


@pytest.fixture
def api(home: Path) -> Workbench:
    """The real API over a registry that holds `churn` 1 and 2 (live) and `chimes` 1: names are all that Tab reads."""
    api = Workbench(home)
    for version in ("churn/1", "churn/2", "chimes/1"):
        (api.registry.folder / version).mkdir(parents=True)
        (api.registry.folder / version / MANIFEST).write_text("{}")
    (api.registry.folder / "churn" / "aliases").mkdir()
    (api.registry.folder / "churn" / "aliases" / "live").write_text("2\n")
    return api


@pytest.mark.parametrize(
    ("line", "start", "texts"),
    [
        ("%workbench mo", "mo", ["model", "models"]),
        ("%workbench ", "", [*(spec.name for spec in VERBS), "--help"]),
        ("v = %workbench stat", "stat", ["status"]),
        ("%predict ch", "ch", ["chimes", "churn"]),
        ("%workbench diff churn@", "churn@", ["churn@live", "churn@2", "churn@1"]),
        ("%predict churn@l", "churn@l", ["churn@live"]),
        ("%predict nothing@", "nothing@", []),
        ("%predict churn X", "X", ["X_test", "X_train"]),
        ("%predict churn X_test --o", "--o", ["--output"]),
        ("%predict churn X_test ", "", ["--input", "--source", "--output", "--sink", "--email", "--env", "--help"]),
        (
            "%predict churn X_test --email a@b --",
            "--",
            ["--input", "--source", "--output", "--sink", "--env", "--help"],
        ),
        ("%%model churn --row-wise ", "", ["yes", "no"]),
        ("%serve --grpc chu", "chu", ["churn"]),
        ("%serve --grpc 8001 chu", "chu", ["churn"]),
        ("%serve churn --grpc --wo", "--wo", ["--workers"]),
        ("%%model churn c", "c", ["clf"]),
        ("%%workbench model churn --example X_t", "X_t", ["X_test", "X_train"]),
        ("%%model churn --example=X_te", "X_te", ["X_test"]),
        ("%%model churn --example X_test --target a", "a", ["age"]),
        ('%predict churn X_test["', "", ["age", "late rate"]),
        ('%predict churn X_test[["age", "la', "la", ["late rate"]),
        ("%predict churn X_train['a", "a", ["age"]),
        ("predict(X", "", []),
        ("%time X", "", []),
        ("%workbench nonsense X", "", []),
        ("%predict churn 'X_", "", []),
    ],
)
def test_what_tab_offers(api: Workbench, line: str, start: str, texts: list[str]) -> None:
    found = completion.complete(line, NAMES, lambda: api)
    assert (found.start, list(found.texts)) == (start, texts)


def test_a_registry_that_cannot_be_read_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_REGISTRY", "http://models.example.org")
    assert completion.complete("%predict ch", NAMES, Workbench).texts == ()


def test_ipython_offers_it(bare_shell: InteractiveShell, api: Workbench) -> None:
    magics.load(bare_shell, lambda: api)
    bare_shell.user_ns.update(NAMES)
    with provisionalcompleter():
        for line, completed in {
            "%predict churn@l": ["%predict churn@live"],
            'x = %predict churn X_test[["age", "la': ['x = %predict churn X_test[["age", "late rate'],
            "%workbench pred": ["%workbench predict"],
        }.items():
            found = bare_shell.Completer.completions(line, len(line))
            assert [line[: c.start] + c.text + line[c.end :] for c in found] == completed


def test_files_are_offered_beside_frames(
    bare_shell: InteractiveShell, api: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "X_rows.csv").touch()
    magics.load(bare_shell, lambda: api)
    bare_shell.user_ns.update(NAMES)
    line = "%predict churn X_"
    with provisionalcompleter():
        texts = {c.text for c in bare_shell.Completer.completions(line, len(line))}
    assert {"X_test", "X_train", "X_rows.csv"} <= texts
