"""A version that answers -> a page for people: what it is, a form to try it, lines to copy, live figures."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .... import text
from ....bundle.version import proof
from ....data.describing import words
from ....errors import WorkbenchError
from ....inference.reading import ONLY
from . import examples
from .inputs import Input, input_of
from .snippets import snippets

if TYPE_CHECKING:
    from jinja2 import Environment

    from ....bundle.version import ModelVersion
    from ....inference.fields import Table
    from ..served import Served

_FOLDER = Path(__file__).parent / "page"
FILES = {"page.css": "text/css", "page.js": "text/javascript"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
"""The page loads nothing from elsewhere, and says so to the browser; its link may hold the token."""


class Pages:
    """The page of what a deployment named `name` serves; `token` says that it asks for one. What a version says of
    itself and its reference is read once."""

    def __init__(self, name: str, *, token: bool) -> None:
        self.own_name, self.token = name.partition("/")[2], token
        self._template = _environment().get_template("page.html")
        self._about: tuple[ModelVersion, dict[str, Any]] | None = None

    def page(self, served: Served, url: str, seen: dict[str, Any], *, grpc: str, near: str) -> str:
        """The page as it stands at `url`, with what was `seen`; `grpc` is the address where calls are answered too, and
        `near` the one that programs on its own machine ask where it stands behind a proxy."""
        shown, own = examples.example(served.inputs, served.example), self.own_name
        call = _call(served, url, grpc, own, token=self.token) if grpc else ""
        asked = snippets(url, shown, own, token=self.token, over_grpc=call)
        more = {"snippets": asked, "seen": seen, "token": self.token, "grpc": grpc, "near": near}
        return self._template.render(self._known(served), **more)

    def _known(self, served: Served) -> dict[str, Any]:
        if self._about is None or self._about[0] is not served.kept:
            self._about = served.kept, _about(served)
        return self._about[1]


def _call(served: Served, url: str, grpc: str, own_name: str, *, token: bool) -> str:
    from ..grpc.shown import call

    with suppress(WorkbenchError):  # a row of which something is missing may have no message
        return call(grpc, served, own_name, token=token, tls=url.startswith("https:"))
    return ""


def file(name: str) -> bytes:
    """One of `FILES`."""
    return (_FOLDER / name).read_bytes()


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_FOLDER)
    made = Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters |= {"count": text.count, "ms": _ms}
    return made


def _about(served: Served) -> dict[str, Any]:
    """What the template shows of the version."""
    manifest = served.kept.manifest
    created = str(manifest.origin.get("created") or "")
    return {
        "name": served.name,
        "ref": served.ref,
        "proven": served.kept.proven,
        "proof": proof(manifest),
        "note": served.kept.note,
        "row_wise": manifest.row_wise,
        "speed": served.speed,
        "created": created[:16].replace("T", " "),
        "cell": str(manifest.origin.get("cell") or ""),
        "python": manifest.python,
        "packages": sorted(manifest.packages.items()),
        "whole_rows": served.inputs.kind == "array",
        "inputs": _inputs(served),
        "outputs": [(field.name, words(field)) for field in served.outputs.fields],
    }


def _inputs(served: Served) -> list[Input]:
    shown = examples.example(served.inputs, served.example)
    record = shown if isinstance(shown, dict) else {ONLY: shown[0] if shown else None}
    known = _reference(served)
    return [input_of(field, record.get(field.name), known.get(field.name)) for field in served.inputs.fields]


def _reference(served: Served) -> Table:
    """The rows that were kept; none where there are none, or where they are gone."""
    try:
        return served.kept.reference()
    except WorkbenchError:
        return {}


def _ms(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:.2g}" if milliseconds < 10 else f"{milliseconds:.0f}"
