"""Data files that a model reads come along and are found again, or are refused by name while it is captured."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from models import notebook

from workbench.bundle.diff_state import state
from workbench.bundle.load import load
from workbench.bundle.register import dry_run, register
from workbench.bundle.registry import Registry
from workbench.bundle.version import ModelVersion, heavy
from workbench.bundle.write import Request
from workbench.errors import CaptureRefused, NotProven

X = pd.DataFrame({"a": np.arange(150.0)})
IMPORTS = "import glob, json, os\nimport numpy as np\nimport pandas as pd\nfrom pathlib import Path"


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The notebook's folder, in which it runs and from which it imports."""
    folder = tmp_path / "notebook"
    (folder / "data").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    (folder / "rate.txt").write_text("2.5")
    (folder / "data" / "north.txt").write_text("3")
    (folder / "data" / "south.txt").write_text("4")
    yield folder
    for name in [n for n in sys.modules if n.split(".")[0] in ("wbshop", "wbplugin", "wbrates")]:
        del sys.modules[name]


def stored(folder: Path, *cells: str, entry: str = "predict") -> ModelVersion:
    session = notebook(IMPORTS, *cells)
    return register(entry, session, X, Registry(folder.parent / "models"), Request("churn"))


def elsewhere(version: ModelVersion, folder: Path) -> Any:
    """What the version answers to 10 once the notebook's folder is gone."""
    shutil.rmtree(folder)
    return load(version.folder).predict({"a": np.array([10.0])})["prediction"].item()


def brought(version: ModelVersion) -> list[str]:
    return [path.removeprefix("files/") for path in version.manifest.files if path.startswith("files/")]


@pytest.mark.parametrize(
    ("cells", "files", "answer"),
    [
        (["def predict(df):\n    return df['a'] * float(open('rate.txt').read())"], ["rate.txt"], 25),
        (["FILE = 'rate.txt'\ndef predict(df):\n    return df['a'] * float(Path(FILE).read_text())"], ["rate.txt"], 25),
        (["def predict(df, file='rate.txt'):\n    return df['a'] * float(open(file).read())"], ["rate.txt"], 25),
        (["def predict(df):\n    return df['a'] * float((Path('.') / 'rate.txt').read_text())"], ["rate.txt"], 25),
        (
            ["def predict(df):\n    return df['a'] * float(open(os.path.join('data', 'north.txt')).read())"],
            ["data/north.txt", "data/south.txt"],
            30,
        ),
        (
            ["DATA = Path('data')\ndef predict(df):\n    return df['a'] * float((DATA / 'north.txt').read_text())"],
            ["data/north.txt", "data/south.txt"],
            30,
        ),
        (
            ["HERE = Path.cwd()\ndef predict(df):\n    return df['a'] * float((HERE / 'rate.txt').read_text())"],
            ["rate.txt"],
            25,
        ),
        (
            ["def predict(df):\n    side = 'south'\n    return df['a'] * float(open(f'data/{side}.txt').read())"],
            ["data/north.txt", "data/south.txt"],
            40,
        ),
        (
            [
                "DATA = Path('data')\ndef predict(df):\n    both = [float((DATA / 'north.txt').read_text())]\n"
                "    side = 'south'\n    names = pd.Series([1], index=['data'])\n"
                "    return df['a'] * (sum(both) + float(open(f'data/{side}.txt').read())) * names['data']"
            ],
            ["data/north.txt", "data/south.txt"],
            70,
        ),
        (
            ["def predict(df):\n    return df['a'] * float(open('data/%s.txt' % 'south').read())"],
            ["data/north.txt", "data/south.txt"],
            40,
        ),
        (
            ["def predict(df):\n    return df['a'] * sum(float(open(f).read()) for f in glob.glob('data/*.txt'))"],
            ["data/north.txt", "data/south.txt"],
            70,
        ),
        (
            ["np.save('v.npy', np.arange(7.0))", "def predict(df):\n    return df['a'] + np.load('v.npy').sum()"],
            ["v.npy"],
            31,
        ),
        (
            [
                "pd.DataFrame({'v': [4.0]}).to_parquet('v.parquet')",
                "def predict(df):\n    return df['a'] + pd.read_parquet('v.parquet')['v'].sum()",
            ],
            ["v.parquet"],
            14,
        ),
    ],
)
def test_files_come_along_by_the_path_in_the_text(
    beside: Path, cells: list[str], files: list[str], answer: float
) -> None:
    version = stored(beside, *cells)
    assert brought(version) == files
    assert "__data__(" in (version.folder / "model.py").read_text()
    assert elsewhere(version, beside) == answer


def test_a_file_elsewhere_and_one_read_in_load(beside: Path, tmp_path: Path) -> None:
    (tmp_path / "far.json").write_text('{"rate": 6}')
    cell = (
        "class Model:\n    def load(self):\n"
        f"        with open({str(tmp_path / 'far.json')!r}) as stream:\n            self.rate = json.load(stream)['rate']\n"
        "    def predict(self, df):\n        return df['a'] * self.rate"
    )
    version = stored(beside, cell, entry="Model")
    assert brought(version) == ["far.json"]
    assert "far.json 11 B" in str(version)
    assert "reads" not in str(version)
    (tmp_path / "far.json").unlink()
    assert elsewhere(version, beside) == 60


def test_what_was_unpickled_from_a_file_is_required(beside: Path) -> None:
    fitted = "import joblib\nfrom sklearn.linear_model import Ridge\njoblib.dump(Ridge().fit([[0.0], [2.0]], [0.0, 4.0]), 'm.joblib')\ndel Ridge"
    version = stored(beside, fitted, "def predict(df):\n    return joblib.load('m.joblib').predict(df.to_numpy())")
    assert "scikit-learn" in version.manifest.packages
    assert brought(version) == ["m.joblib"]


@pytest.mark.parametrize(
    ("cell", "file"),
    [
        ("def predict(df):\n    name = 'rate'\n    return df['a'] * float(open(f'{name}.txt').read())", "rate.txt"),
        (
            "class Score:\n    def __init__(self, file):\n        self.file = file\n    def __call__(self, df):\n"
            "        return df['a'] * float(open(self.file).read())\npredict = Score('data/' + 'north.txt')",
            "data/north.txt",
        ),
        ("def predict(df):\n    return df['a'] * float(open(f'HERE/data/{\"north\"}.txt').read())", "data/north.txt"),
    ],
)
def test_a_file_whose_path_cannot_be_followed_is_refused_by_name(beside: Path, cell: str, file: str) -> None:
    with pytest.raises(CaptureRefused, match=f"predict reads the file {file}") as caught:
        stored(beside, cell.replace("HERE", str(beside)))
    assert "keep its contents in a global" in str(caught.value.fix)
    assert str(caught.value.where).startswith("In[")


def test_what_is_written_stays_where_it_is(beside: Path) -> None:
    cell = "def predict(df):\n    with open('rate.txt', 'a') as log:\n        log.write('')\n    return df['a']"
    version = stored(beside, cell)
    assert not brought(version)
    assert "reads open in predict" in str(version)


def test_a_changed_file_is_another_version_and_a_damaged_one_is_refused(beside: Path) -> None:
    cell = "def predict(df):\n    return df['a'] * float(open('rate.txt').read())"
    assert [stored(beside, cell).version, stored(beside, cell).version] == [1, 1]
    (beside / "rate.txt").write_text("3.5")
    version = stored(beside, cell)
    assert version.version == 2
    assert state(ModelVersion("churn", 1, version.folder.parent / "1"), version, live=False) == (
        "files/rate.txt 3 B, another content",
    )
    (version.folder / "files" / "rate.txt").write_text("9.9")
    with pytest.raises(Exception, match=r"files/rate\.txt was changed"):
        load(version.folder)


def test_local_modules_find_what_lies_beside_them(beside: Path) -> None:
    shop = beside / "wbshop"
    (shop / "tables").mkdir(parents=True)
    (shop / "__init__.py").write_text("")
    (shop / "tables" / "tax.txt").write_text("2")
    (shop / ".hidden").write_text("no")
    (shop / "core.py").write_text(
        "import importlib\nimport importlib.resources\nimport pkgutil\n\ndef tax():\n"
        "    named = importlib.resources.files('wbshop').joinpath('tables/tax.txt').read_text()\n"
        "    beside = pkgutil.get_data(__name__, 'tables/tax.txt')\n"
        "    return float(named) + float(beside) + importlib.import_module('wbplugin').MORE\n"
    )
    (beside / "wbplugin.py").write_text(
        "from pathlib import Path\nMORE = float((Path(__file__).parent / 'more.txt').read_text())\n"
    )
    (beside / "more.txt").write_text("1")
    version = stored(beside, "import wbshop.core\ndef predict(df):\n    return df['a'] * wbshop.core.tax()")
    code = sorted(p.split("/", 2)[2] for p in version.manifest.files if p.startswith("code/") and "_wb/" not in p)
    assert code == [
        "__init__.py", "more.txt", "wbplugin.py", "wbshop/__init__.py", "wbshop/core.py", "wbshop/tables/tax.txt",
    ]  # fmt: skip
    assert elsewhere(version, beside) == 50


def test_of_a_package_only_what_is_imported_is_followed(beside: Path) -> None:
    shop = beside / "wbshop"
    for folder in (shop / "tests", shop / ".ipynb_checkpoints", shop / "templates"):
        folder.mkdir(parents=True)
    (shop / "__init__.py").write_text("")
    (shop / "core.py").write_text("def tax():\n    from . import late\n    return late.TAX\n")
    (shop / "late.py").write_text("import wbrates\nTAX = wbrates.RATE\n")
    (shop / "tests" / "test_core.py").write_text("import pytest\n")
    (shop / "templates" / "plan.py").write_text("import {{ name }}\n")
    (shop / ".ipynb_checkpoints" / "core-checkpoint.py").write_text("")
    (beside / "wbrates.py").write_text("RATE = 3\n")
    version = stored(beside, "import wbshop.core\ndef predict(df):\n    return df['a'] * wbshop.core.tax()")
    assert not {"pytest"} & set(version.manifest.packages)
    assert set(version.sources()) == {
        "model.py", "wbrates.py", "wbshop/__init__.py", "wbshop/core.py", "wbshop/late.py",
        "wbshop/templates/plan.py", "wbshop/tests/test_core.py",
    }  # fmt: skip
    assert elsewhere(version, beside) == 30


def test_a_path_in_a_local_module_comes_along(beside: Path) -> None:
    (beside / "wbrates.py").write_text("def rate():\n    return float(open('data/north.txt').read())\n")
    version = stored(beside, "import wbrates\ndef predict(df):\n    return df['a'] * wbrates.rate()")
    assert brought(version) == ["data/north.txt"]
    assert elsewhere(version, beside) == 30


def test_a_relative_path_that_only_c_code_opens_fails_while_it_is_captured(beside: Path) -> None:
    made = "pd.DataFrame({'v': [4.0]}).to_parquet('v.parquet')"
    with pytest.raises(NotProven, match="FileNotFoundError") as caught:
        stored(beside, made, "def predict(df):\n    return df['a'] + pd.read_parquet('v.' + 'parquet')['v'].sum()")
    assert "write the path of the file as it is" in str(caught.value.fix)


def test_a_heavy_capture_says_which_name_weighs_how_much(beside: Path) -> None:
    said = "heavy 310 MB in all: table 300 MB, clf 10.0 MB"
    assert list(heavy({"table": 300_000_000, "clf": 10_000_000, "k": 9})) == [said]
    assert not list(heavy({"table": 1_000}))
    session = notebook(IMPORTS, "big = np.zeros(26_000_000)\ndef predict(df):\n    return df['a'] + big[0]")
    told = str(dry_run("predict", session, Registry(beside.parent / "models"), Request("churn")))
    assert told.endswith("heavy 208 MB in all: big 208 MB")
