"""Which engine takes on what, told before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.engines import known
from workbench.errors import UsageError


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
