"""Models of each framework in a real kernel, answered in a fresh process after the notebook's folder is gone."""

from __future__ import annotations

from pathlib import Path

import frameworks
import pytest
import test_corpus
from cells import Case
from jupyter_client.blocking import BlockingKernelClient

kernel = test_corpus.kernel
if frameworks.MISSING:
    print(
        f"{__name__}: without {', '.join(frameworks.MISSING)}, which the tests do not install; pip install them to try"
    )


@pytest.mark.parametrize("case", frameworks.CASES, ids=lambda case: case.name)
def test_models_of_frameworks_answer_the_same_elsewhere(
    case: Case, kernel: BlockingKernelClient, tmp_path: Path
) -> None:
    test_corpus.test_everyday_cells_answer_the_same_elsewhere(case, kernel, tmp_path)
