"""The data files that are opened meanwhile are noted, and the paths that stand in a text are found and replaced."""

from __future__ import annotations

import os
import pickle
import tempfile
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from workbench.capture.paths import paths_in, replaced
from workbench.capture.reads import is_data, watch


def test_what_is_read_is_told_from_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("read", "raw", "later", "code.py"):
        (tmp_path / name).write_text("x")
    with watch() as reads:
        Path("read").read_text()
        os.close(os.open("raw", os.O_RDONLY))
        Path("code.py").read_text()
        (tmp_path / "made").write_text("x")
        Path("made").read_text()
        with tempfile.TemporaryFile() as stream:
            stream.write(b"x")
        pickle.loads(pickle.dumps(Decimal(1)))
    Path("later").read_text()
    assert [path.name for path in reads.data()] == ["raw", "read"]
    assert "decimal" in reads.modules


def test_threads_of_the_model_are_watched_and_those_of_the_kernel_are_not(tmp_path: Path) -> None:
    for name in ("kernel", "model"):
        (tmp_path / name).write_text("x")
    go, done = threading.Event(), threading.Event()

    def background() -> None:
        go.wait()
        (tmp_path / "kernel").read_text()
        done.set()

    threading.Thread(target=background, daemon=True).start()
    with watch() as reads:
        go.set()
        done.wait()
        own = threading.Thread(target=(tmp_path / "model").read_text)
        own.start()
        own.join()
    assert [path.name for path in reads.data()] == ["model"]


def test_files_of_the_system_and_of_packages_are_no_data(tmp_path: Path) -> None:
    import numpy as np

    assert not is_data(Path("/etc/hosts"))
    assert not is_data(Path(np.__file__).parent / "py.typed")
    assert not is_data(tmp_path)
    assert not is_data(tmp_path / "none.csv")


TEXT = '''\
"""naïve: 'a.csv' in a docstring."""
FILE = "ä/b.csv"
def predict(df, by="c.csv"):
    if df.name == "d.csv":
        return df["e.csv"]
    x = load(  # ö
        "f.csv", name="g" ".csv")
    y = [open(f"data/{x}.csv"), glob("data/*.txt"), "h/%s" % x, "i/{}".format(x), Path("k"), f"{x}.csv"]
    df.to_csv("out.csv")
    return import_module("shop.core"), os.path.join("l", "m.csv")
'''


def test_paths_are_found_where_they_are_used_as_values() -> None:
    found = paths_in(TEXT)
    plain = {named.value for named in found if not named.built}
    assert plain == {"ä/b.csv", "c.csv", "f.csv", "g.csv", "k", "shop.core", "l", "m.csv"}
    assert {named.built: named.value for named in found if named.built} == {
        'f"data/{x}.csv"': "data/",
        '"data/*.txt"': "data/",
        '"h/%s" % x': "h/",
        '"i/{}".format(x)': "i/",
    }
    assert {named.value for named in found if named.module} == {"shop.core"}
    assert {named.value for named in found if named.folder and not named.built} == {"ä/b.csv", "k", "l", "m.csv"}


def test_the_text_around_a_path_stays_as_it_is() -> None:
    found = {named: f"at({named.value!r})" for named in paths_in(TEXT) if named.value in ("ä/b.csv", "g.csv", "l")}
    expected = TEXT.replace('"ä/b.csv"', "at('ä/b.csv')").replace('"g" ".csv"', "at('g.csv')").replace('"l"', "at('l')")
    assert replaced(TEXT, found) == expected
    assert paths_in("import {{ name }}") == []
