"""The README of an exported folder: whose rows it carries, how to apply it, and last how to prove what then runs."""

from __future__ import annotations

from collections.abc import Callable
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


Steps = tuple[tuple[str, str], ...]
Url = Callable[["ModelVersion"], str]
MARK = "<!-- written by workbench export: written anew by the next one -->"
FILE = "README.md"
_ASKS = (
    "With Workbench installed, this asks it for the reference rows, and compares with what the notebook's cell "
    "answered to them:"
)
_ORDER = "All lines are for one shell in this folder, from the first to the last."
NO_ROWS = "It carries no rows to prove it by: the model was captured with `--no-reference`."


@dataclass(frozen=True)
class Asked:
    """One way to ask what runs: the `url` of each version as a shell has it, the `header` that its way in goes by,
    empty where it needs none, whether it asks for the token, and a word on it. `models` is the folder of the versions,
    with `{version}`; `within` is what runs Workbench where it can be asked, where that is not this machine."""

    url: Url
    models: str = "models"
    header: Url | None = None
    token: bool = True
    said: str = _ASKS
    within: Url | None = None

    def line(self, subject: Subject, version: ModelVersion) -> str:
        """The line that proves what runs, from within the folder, by the versions that it carries."""
        folder = f"WORKBENCH_REGISTRY={self.models.format(version=version.version)}"
        before = self.within(version) if self.within else folder
        words = [f"{before} workbench verify {subject.model}@{version.version} --against {self.url(version)}"]
        words += [f'--header "{self.header(version)}"'] if self.header else []
        words += [f"--token {TOKEN}"] * bool(self.token and subject.spec.get("token"))
        return " ".join(words)


@dataclass(frozen=True)
class Guide:
    """`steps` are commands with a word on each, `(what, command)`; `asked` are the ways to ask what then runs, the
    usual one first; `proof` is said where it is proven otherwise; `notes` are what a person must know; `of` is what
    was exported, where that is less than was asked for."""

    steps: Steps
    asked: tuple[Asked, ...] = ()
    proof: str = ""
    notes: tuple[str, ...] = ()
    of: Subject | None = None


def token(subject: Subject) -> Steps:
    """The step that makes a token, of what asks for one."""
    return (("make a token", f"export {TOKEN}=$(openssl rand -hex 32)"),) if subject.spec.get("token") else ()


def ready(port: int) -> tuple[str, str]:
    """The step that waits for a service at a port of this machine."""
    url = f"http://127.0.0.1:{port}/v2/health/ready"
    return "wait until it is ready", f"curl --retry 120 --retry-delay 1 --retry-all-errors -sSf {url}"


def at(url: str, subject: Subject) -> Url:
    """The address of each version where one server has them all."""
    return lambda version: f"{url}/v2/models/{subject.model}/versions/{version.version}" if subject.beside else url


def write(folder: Path, subject: Subject, platform: str, guide: Guide) -> None:
    """Write README.md."""
    known = (*rows(subject), *subject.notes, *guide.notes)
    lines = [f"# {subject.title} for {platform}", MARK, "", *(f"- {line}" for line in known), ""]
    lines += ["## Apply it", "", _ORDER, ""]
    for what, command in guide.steps:
        lines += [f"{what[0].upper()}{what[1:]}:", "", "```", command, "```", ""]
    write_text(folder / FILE, "\n".join([*lines, "## Prove it", "", *_proof(subject, guide), ""]))


def _proof(subject: Subject, guide: Guide) -> list[str]:
    if not all(version.manifest.has_reference for version in subject.versions):
        return [NO_ROWS]
    ways = [
        [way.said, "", "```", *(way.line(subject, version) for version in subject.versions), "```"]
        for way in guide.asked
    ]
    said = [[guide.proof]] if guide.proof else []
    return [line for part in (*said, *ways) for line in (*part, "")][:-1]


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
