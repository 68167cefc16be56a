"""Cells as users write them, in real kernels: each is captured and scored in a fresh process, in another folder, after
the notebook's folder is gone, to the same values; or it is refused with its reason, and with advice that helps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cells
import cells_around
import cells_classes
import cells_functions
import cells_habits
import cells_process
import cells_state
import frameworks
import pytest
from cells import Case
from kernels import Kernel, Kernels

CASES = [
    *cells.CASES,
    *cells_functions.CASES,
    *cells_classes.CASES,
    *cells_state.CASES,
    *cells_around.CASES,
    *cells_process.CASES,
    *frameworks.CASES,
    *cells_habits.CASES,
]
PER_KERNEL = 24
TOGETHER = [case for case in CASES if not case.alone]
GROUPS = [
    *(TOGETHER[i : i + PER_KERNEL] for i in range(0, len(TOGETHER), PER_KERNEL)),
    *([case] for case in CASES if case.alone),
]
PROVEN = "✓ a clean process answers what this cell answered"
SCORE = Path(__file__).parent / "score.py"


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernels]:
    started = Kernels(tmp_path_factory.mktemp("start"))
    yield started
    started.close()


@pytest.mark.parametrize(
    "group", range(len(GROUPS)), ids=lambda i: f"{GROUPS[i][0].name} and {len(GROUPS[i]) - 1} more"
)
def test_every_cell_is_exact_or_refused(
    group: int, kernels: Kernels, tmp_path: Path, home: Path, corpus: dict[str, int]
) -> None:
    cases = GROUPS[group]
    folder, kept = tmp_path / "notebook", tmp_path / "kept"
    folder.mkdir()
    kept.mkdir()
    wrong: list[str] = []
    with kernels.one(home, more=group + 1 < len(GROUPS)) as kernel:
        kernel.must(f"%cd -q {folder}\nimport sys; sys.path.insert(0, {str(folder)!r})\n%load_ext workbench")
        for i, case in enumerate(cases):
            wrong += answered(kernel, case, f"case{i}", folder, kept)
            kernel.must("get_ipython().reset(new_session=True)")
        shutil.rmtree(folder)
        scored = subprocess.run([sys.executable, str(SCORE), str(kept)], capture_output=True, text=True, cwd=tmp_path)
    assert scored.returncode == 0, scored.stderr
    differing = [line for line in scored.stdout.splitlines() if not line.endswith(" equal")]
    corpus["exact"] += len(scored.stdout.splitlines()) - len(differing)
    corpus["refused"] += sum(bool(case.refused) for case in cases)
    corpus["wrong"] += len(differing)
    assert not wrong + differing, "\n\n".join(wrong + differing)


def answered(kernel: Kernel, case: Case, name: str, folder: Path, kept: Path) -> list[str]:
    """Capture a case, and keep its rows and what the kernel answers to them; what was not as expected, in words."""
    for path, text in case.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    kernel.must(f"import os; os.environ.update({case.env!r})")
    for cell in case.setup:
        kernel.must(cell)
    ok, shown = kernel.run(f"%%model {name} --example X {case.options}\n{case.model}")
    if case.refused:
        if ok or not all(words in shown for words in case.refused):
            return [f"{case.name}: should be refused with {case.refused}, but:\n{shown}"]
        kernel.must(case.mended)
        entry = "Model" if "class Model" in case.mended else "predict"
        ok, shown = kernel.run(f"%model {name} {entry} --example X")
    if not ok or PROVEN not in shown:
        return [f"{case.name}: {shown}"]
    answer = case.entry if not case.refused else "Model_().predict(X)" if entry == "Model" else "predict(X)"
    if "Model_()" in answer:
        kernel.must("def Model_():\n    made = Model()\n    made.load()\n    return made")
    kernel.must(keep(name, answer, kept, case))
    return []


def keep(name: str, answer: str, kept: Path, case: Case) -> str:
    """A cell that writes down the rows, what the kernel answers to them, and the variables that were set."""
    lines = [case.rare, "import json as _json, pandas as _pd"]
    for rows in ("X", *(["R"] if case.rare else [])):
        asked = answer.replace("X", rows) if rows != "X" else answer
        lines += [f"_pd.to_pickle({rows}, {str(kept)!r} + '/{name}.{rows}.rows')"]
        lines += [f"_pd.to_pickle(list({asked}), {str(kept)!r} + '/{name}.{rows}.answer')"]
    env = f"_json.dump({case.env!r}, open({str(kept / name)!r} + '.env', 'w'))"
    return "\n".join([*lines, env])


def test_the_corpus_is_wide() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 110
    assert not os.environ.get("WBT_KEY")
