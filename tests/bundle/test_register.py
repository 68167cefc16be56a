"""From a live namespace to a version: what is found again, and what is not bit-stable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from workbench.api import Workbench
from workbench.capture.captured import Cell, Session

X = pd.DataFrame({"a": np.linspace(0, 1, 150), "b": np.linspace(5, 9, 150)})


def session(text: str, **names: object) -> Session:
    namespace: dict[str, object] = {"__name__": "__main__", **names}
    exec(compile(text, "<cell>", "exec", dont_inherit=True), namespace)
    return Session(namespace, (Cell(1, text),))


def test_going_back_finds_the_version_and_says_what_is_newest(home: Path) -> None:
    workbench = Workbench()
    for factor in (2, 3, 2):
        live = session(f"def predict(df):\n    return df['a'] * {factor}")
        version = workbench.model("w", live.namespace["predict"], example=X, session=live)
    assert version.ref == "w@1"
    card = str(version)
    assert "w@1 unchanged" in card
    assert "newer w@2 is the newest, which bare w means" in card
    assert "%predict w@1 FILE" in card


def test_a_model_that_adds_in_several_threads_is_never_refused_for_its_last_bits(home: Path) -> None:
    workbench = Workbench()
    for seed in range(6):
        forest = RandomForestRegressor(20, n_jobs=2, random_state=seed).fit(X, np.sin(X["a"] * 9))
        live = session("def predict(df):\n    return forest.predict(df)", forest=forest)
        version = workbench.model("forest", live.namespace["predict"], example=X, session=live)
        assert version.proven
        if not version.manifest.bit_stable:
            assert "within the tolerance, not bit-stable" in str(version)


def test_what_a_model_reads_of_the_world_is_on_its_card(home: Path) -> None:
    text = "import os\nfrom datetime import date\ndef predict(df):\n"
    text += "    if df['a'].max() > 5:\n        return df['a'] * float(os.environ['SCALE']) + date.today().year\n    return df['a']"
    live = session(text)
    version = Workbench().model("outside", live.namespace["predict"], example=X, session=live)
    assert "reads date.today in predict, os.environ in predict: no part of the version" in str(version)
