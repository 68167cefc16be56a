import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def pre_warmed() -> Iterator[None]:
    """Proofs come from the pre-warmed process, as in a notebook."""
    from workbench.spawn.client import cool, warm

    warm()
    yield
    cool()
