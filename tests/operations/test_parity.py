"""One table, scored in the kernel, offline, in a batch, over HTTP and through a stream: the answers are equal."""

from __future__ import annotations

from pathlib import Path

import pytest
from parity_parts import MODELS, Pattern, agree, batch, offline, serving, streaming

from workbench.api import Workbench


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("pattern", [offline, batch, serving, streaming], ids=lambda f: f.__name__)
def test_every_pattern_answers_what_the_kernel_answers(
    pattern: Pattern, kind: str, api: Workbench, tmp_path: Path
) -> None:
    agree(api, kind, tmp_path, pattern)
