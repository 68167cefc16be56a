"""The house: imports point one way, rooms keep their names, files stay small."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench
from workbench.specs.verbs import VERBS

ROOT = Path(workbench.__file__).parent

# Each room may import from those before it, and from itself.
ORDER = (
    ("errors",),
    ("paths", "text", "moments", "journal", "specs", "proxied", "routing", "stages", "tickets"),
    ("spawn",),
    ("capture", "inference"),
    ("bundle",),
    ("data", "notify", "monitoring", "fast"),
    ("brokers",),
    ("patterns",),
    ("exports",),
    ("engines",),
    ("jobs",),
    ("operations",),
    ("listing", "diagnosis"),
    ("asking",),
    ("api",),
    ("cards",),
    ("faces",),
    ("__init__", "__main__"),
)
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def room(path: str) -> str:
    return path.split(".")[1] if "." in path else "__init__"


def imported(file: Path) -> Iterator[str]:
    """The dotted paths of ours that a file imports, inside functions too."""
    package = ["workbench", *file.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "workbench")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            path = ".".join([*base, *([node.module] if node.module else [])])
            if path == "workbench":
                yield from (f"workbench.{alias.name}" for alias in node.names)
            elif path.startswith("workbench."):
                yield path


@pytest.mark.parametrize("file", files(), ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_one_way(file: Path) -> None:
    own = room(".".join(["workbench", *file.relative_to(ROOT).with_suffix("").parts]))
    for path in imported(file):
        target = room(path)
        assert target == own or LEVEL[target] < LEVEL[own], f"{own} imports {path}"


def test_no_pattern_imports_another() -> None:
    folder = ROOT / "patterns"
    patterns = {"offline", "batch", "serving", "streaming", "app"}
    for file in folder.rglob("*.py"):
        own = file.relative_to(folder).parts[0].removesuffix(".py")
        used = {path.split(".")[2] for path in imported(file) if path.startswith("workbench.patterns.")}
        assert not used & (patterns - {own}), file


def test_protocols_know_only_what_passes_through_them() -> None:
    """They read and write; who lets in, batches and sends is above them."""
    serving = "workbench.patterns.serving"
    above = {f"{serving}.{name}" for name in ("answering", "endpoint", "routes", "server", "access", "looking", "grpc")}
    for file in (ROOT / "patterns" / "serving" / "protocols").glob("*.py"):
        assert not {path for path in imported(file) for name in above if path.startswith(name)}, file


def test_only_workers_of_jobs_know_what_runs() -> None:
    for file in (ROOT / "jobs").glob("*.py"):
        if not file.stem.startswith("worker"):
            known = {room(path) for path in imported(file)}
            assert not known & {"patterns", "bundle", "data", "inference", "capture", "monitoring"}, file


def test_what_a_bundle_carries_needs_only_the_errors() -> None:
    for file in (ROOT / "inference").glob("*.py"):
        assert {room(path) for path in imported(file)} <= {"errors", "inference"}, file


def test_no_room_is_named_like_a_verb_or_a_drawer() -> None:
    verbs = {verb.name for verb in VERBS} | {"batch", "serve", "stream", "app", "register"}
    top = {entry.stem for entry in ROOT.iterdir()}
    assert not top & verbs
    assert not {"utils", "util", "common", "misc", "helpers"} & {f.stem for f in files()}


def test_each_room_says_what_it_turns_into_what() -> None:
    for folder in {f.parent for f in files()} - {ROOT}:
        parts = folder.relative_to(ROOT).parts
        assert len(parts) == 1 or (parts[0] == "patterns" and len(parts) <= 3)
        tree = ast.parse((folder / "__init__.py").read_text())
        assert len(tree.body) == 1, folder
        assert ast.get_docstring(tree), folder


def test_files_do_not_outgrow_their_room() -> None:
    long = {str(f.relative_to(ROOT)): n for f in files() if (n := len(f.read_text().splitlines())) > 350}
    assert not long


def test_every_test_file_has_a_name_of_its_own() -> None:
    """pytest imports them by it, and a second one of the same name not at all."""
    names = Counter(file.name for file in Path(__file__).parent.rglob("test_*.py"))
    assert not {name for name, number in names.items() if number > 1}
