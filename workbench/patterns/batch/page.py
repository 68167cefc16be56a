"""An executed notebook -> a page of HTML for its readers, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from ...bundle.storage import writing


def write(executed: Path, page: Path, *, code: bool) -> None:
    """Make the page; without `code` it holds text and outputs alone. It asks no other machine for anything."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        exclude_input=not code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        embed_images=True,
        require_js_url="",
        jquery_url="",
        mathjax_url="",
        mermaid_js_url="",
    )
    body, _ = exporter.from_filename(str(executed), resources={"metadata": {"name": page.stem}})
    with writing(page.parent):
        page.parent.mkdir(parents=True, exist_ok=True)
        new = page.with_name(f".{page.name}.new")
        new.write_text(body, encoding="utf-8")
        os.replace(new, page)
