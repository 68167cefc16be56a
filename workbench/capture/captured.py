"""What capture reads (`Session`) and what it gives (`CapturedModel`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

EntryKind = Literal["function", "class", "estimator"]
Kind = Literal["function", "class", "import", "value", "state", "module", "file", "factory", "setting"]


@dataclass(frozen=True)
class Cell:
    """An executed cell: its number (`In[4]`) where it has one, and its text after IPython's input transform. What a
    file stands for is a cell of that file's `name`."""

    number: int | None
    text: str
    name: str = ""

    @property
    def label(self) -> str:
        return f"In[{self.number}]" if self.number is not None else self.name


@dataclass(frozen=True)
class Page:
    """The notebook's file as it was last saved: the place on it of each cell that ran and stands there with the same
    text, by the cell's number; the numbers `shown` beside its cells; and the `older` cells, which had run by
    then."""

    places: Mapping[int, int]
    shown: frozenset[int]
    older: frozenset[int]


@dataclass(frozen=True)
class Session:
    """The live notebook as plain data: the bindings, the executed cells in their order, the notebook's path, and its
    page where it is known."""

    namespace: Mapping[str, object]
    cells: tuple[Cell, ...] = ()
    notebook: Path | None = None
    folder: Path = field(default_factory=Path.cwd)
    page: Page | None = None


@dataclass(frozen=True)
class Taken:
    """One thing that comes along: `prepare`, a function of In[4]; `clf`, a RandomForestClassifier of 2.1 MB."""

    name: str
    kind: Kind
    cell: str = ""
    detail: str = ""
    n_bytes: int = 0


@dataclass(frozen=True)
class CapturedModel:
    """A model out of its notebook.

    `source` is `model.py`; `entry` the global of it that answers. `state` maps file names
    (`clf.pkl`) to files in the staging folder given to `capture`, `hashes` to the SHA-256 of those that are known
    already; `modules` maps paths below the captured package (`helper.py`, `shop/prices.py`) to the local files they
    come from, `beside` those of other files that these find beside themselves; `files` maps paths below `files/` to
    the data files that the model reads.
    `requirements` maps distribution names to installed versions. `cells` is the notebook's executed source,
    `outside` what the source reads of the world around it (`os.environ in predict`), which is no part of it;
    `environment` are the variables among that by name, `installed` the plain values of installed modules that it
    reads; `held` digests of what its modules hold, and the installed ones that cells change (see `holdings`); `page`
    how what was captured differs from the notebook's page.
    """

    entry: str
    entry_kind: EntryKind
    source: str
    state: Mapping[str, Path]
    modules: Mapping[str, Path]
    requirements: Mapping[str, str]
    taken: tuple[Taken, ...]
    hashes: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Path] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    cells: str = ""
    notebook: str | None = None
    cell: str = ""
    outside: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    installed: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def predicts(thing: Any) -> bool:
    """Whether an object answers by a `predict` of its own, or one row at a time by `predict_one`."""
    return callable(getattr(thing, "predict", None)) or callable(getattr(thing, "predict_one", None))
