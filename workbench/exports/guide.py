"""The README of an exported folder: how to apply it, how to prove what then runs, and whose rows it carries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import text
from ..bundle.layout import ANSWER, EXAMPLE, REFERENCE, SAMPLE_ROWS
from ..bundle.storage import write_text
from .subject import TOKEN

if TYPE_CHECKING:
    from ..bundle.version import ModelVersion
    from .subject import Subject

MARK = "<!-- written by workbench export: written anew by the next one -->"
FILE = "README.md"


@dataclass(frozen=True)
class Guide:
    """`steps` are commands with a word on each, `(what, command)`; `url` is where it then answers, empty where it is
    not asked; `models` is the folder of its versions within the export; `proof` is said where it is proven otherwise;
    `notes` are what a person must know; `of` is what was exported, where that is less than was asked for."""

    steps: tuple[tuple[str, str], ...]
    url: str = ""
    models: str = "models"
    proof: str = ""
    notes: tuple[str, ...] = ()
    of: Subject | None = None


def write(folder: Path, subject: Subject, platform: str, guide: Guide) -> None:
    """Write README.md."""
    lines = [f"# {subject.title} for {platform}", MARK, "", *_applied(guide)]
    lines += ["## Prove it", "", *_proof(subject, guide), ""]
    lines += ["## Rows", "", *(f"- {line}" for line in rows(subject)), ""]
    if notes := (*subject.notes, *guide.notes):
        lines += ["## Notes", "", *(f"- {line}" for line in notes), ""]
    write_text(folder / FILE, "\n".join(lines))


def _applied(guide: Guide) -> list[str]:
    lines = ["## Apply it", ""]
    for what, command in guide.steps:
        lines += [f"{what[0].upper()}{what[1:]}:", "", "```", command, "```", ""]
    return lines


def _proof(subject: Subject, guide: Guide) -> list[str]:
    if guide.proof:
        return [guide.proof]
    if not all(version.manifest.has_reference for version in subject.versions):
        return ["It carries no rows to prove it by: the model was captured with `--no-reference`."]
    said = "This asks it for the reference rows, and compares with what the notebook's cell answered to them:"
    return [said, "", "```", *(check(subject, guide, version) for version in subject.versions), "```"]


def check(subject: Subject, guide: Guide, version: ModelVersion) -> str:
    """The line that proves what runs, from within the folder, by the versions that it carries."""
    token = f" --token {TOKEN}" if subject.spec.get("token") else ""
    url = f"{guide.url}/v2/models/{subject.model}/versions/{version.version}" if subject.beside else guide.url
    models = guide.models.format(version=version.version)
    return f"WORKBENCH_REGISTRY={models} workbench verify {subject.model}@{version.version} --against {url}{token}"


def rows(subject: Subject) -> list[str]:
    """Which rows of whom the folder carries."""
    return [line for version in subject.versions for line in _rows(version)]


def _rows(version: ModelVersion) -> list[str]:
    if not version.manifest.has_reference:
        return [f"{version.ref} carries no rows of its example (captured with --no-reference)"]
    import pyarrow.parquet

    kept = pyarrow.parquet.ParquetFile(version.folder / REFERENCE).metadata.num_rows
    columns = ", ".join(one["name"] for one in version.manifest.schema["fields"])
    answers = min(kept, SAMPLE_ROWS)
    carried = f"{text.count(kept, 'row')} of its example ({REFERENCE}, {EXAMPLE}) with {columns}"
    return [f"{version.ref} carries {carried}, and {text.count(answers, 'answer')} ({ANSWER})"]
