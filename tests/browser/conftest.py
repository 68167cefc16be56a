from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser_parts import browser
from lab_parts import Lab, lab

from workbench.api import Workbench


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with browser(tmp_path_factory.mktemp("chromium")) as page, lab(folder, page) as found:
        page.looks(1200)
        yield found
        Workbench(folder / "home").shutdown(all=True)
