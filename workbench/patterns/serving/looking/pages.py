"""A version that answers -> a page for people: what it takes, what it answers, and the line that asks it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ....data.encoding import dumps
from . import examples

if TYPE_CHECKING:
    from ....inference.fields import Field
    from ..served import Served

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "code,pre{font:14px/1.4 ui-monospace,monospace}pre{padding:.8rem;border:1px solid #8886;border-radius:4px;"
    "white-space:pre-wrap;overflow-wrap:anywhere}td,th{text-align:left;vertical-align:top;padding:.1rem 1.2rem .1rem 0}"
    "th{opacity:.65;font-weight:normal}"
)
_WORDS = {
    "number": "number",
    "bool": "true or false",
    "text": "text",
    "category": "one of ",
    "datetime": "date and time, ISO 8601",
    "date": "date, ISO 8601",
    "time": "time, ISO 8601",
    "timedelta": "duration",
}
_SHOWN = 8


def page(served: Served, name: str, url: str, *, token: bool) -> bytes:
    """What answers at `url`, under the deployment's `name`; it loads nothing from elsewhere."""
    shown = examples.example(served.inputs, served.example)
    call = examples.call(url, shown, name.partition("/")[2], token=token)
    record = shown if isinstance(shown, dict) else {served.inputs.names[0]: shown[0] if shown else ""}
    takes = "".join(_row(field, record.get(field.name, "")) for field in served.inputs.fields)
    gives = "".join(_row(field) for field in served.outputs.fields)
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(served.ref)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(served.ref)}</h1>"
        f"<table><tr><th>takes</th><th></th><th>for example</th></tr>{takes}"
        f"<tr><th>answers</th><th></th><th></th></tr>{gives}</table>"
        f"<h2>Ask it</h2><pre>{escape(call)}</pre>"
        "<p>One record, a list of records, or columns: the answer has the same shape. MLflow's "
        "<code>/invocations</code> and the Open Inference Protocol's <code>/v2</code> are there too; "
        '<a href="openapi.json">openapi.json</a> describes it, <a href="metrics">metrics</a> are for Prometheus.</p>'
    )
    return text.encode()


def _row(field: Field, example: Any = None) -> str:
    shown = "" if example is None else f"<code>{escape(dumps(example).decode())}</code>"
    return f"<tr><td><code>{escape(field.name)}</code></td><td>{escape(_words(field))}</td><td>{shown}</td></tr>"


def _words(field: Field) -> str:
    """What a value is, as somebody who sends it says it."""
    whole = getattr(field.runtime, "kind", "") in ("i", "u")
    said = "whole number" if whole else _WORDS.get(field.kind, field.dtype)
    if field.categories is not None:
        more = ", …" if len(field.categories) > _SHOWN else ""
        said += ", ".join(map(str, field.categories[:_SHOWN])) + more
    if field.shape:
        said = f"list of {' × '.join(map(str, field.shape))}, each {said}"
    return said + (", or null" if field.optional else "")
