"""Models that are captured and proven, and a home whose processes end with the test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.api import Workbench

sys.path.insert(0, str(Path(__file__).parent))

from customer_models import CUSTOMERS, frame_model


@pytest.fixture(scope="session", autouse=True)
def pre_warmed() -> Iterator[None]:
    """Proofs and deployments come from the pre-warmed process, as in a notebook."""
    from workbench.spawn.client import cool, warm

    warm()
    yield
    cool()


@pytest.fixture
def api(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """The API over a home of the test's own; what it started is stopped at the end."""
    monkeypatch.chdir(tmp_path)
    workbench = Workbench(home)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture
def model(api: Workbench) -> str:
    """`churn`, captured and proven."""
    api.model("churn", frame_model, example=CUSTOMERS)
    return "churn"
