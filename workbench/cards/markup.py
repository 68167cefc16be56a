"""Text and attributes -> HTML that shows them as they are."""

from __future__ import annotations

import json
from typing import Any


def escape(text: str) -> str:
    """Text that HTML shows as it is. (`html.escape` imports tables of entities, which loading would wait for.)"""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def el(tag: str, /, *inside: str, cls: str = "", **attributes: Any) -> str:
    """An element around HTML. Of the attributes, `data_do` is written `data-do`; True stands alone, None and False are
    left out, what is no text is written as JSON."""
    said = {"class": cls or None, **{key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}}
    written = "".join(_attribute(key, value) for key, value in said.items() if value not in (None, False))
    return f"<{tag}{written}>" + ("" if tag == "input" else f"{''.join(inside)}</{tag}>")


def _attribute(key: str, value: Any) -> str:
    if value is True:
        return f" {key}"
    return f' {key}="{escape(value if isinstance(value, str) else json.dumps(value))}"'


def button(
    label: str, do: str, /, *, kind: str = "", sure: str = "", form: bool = False, read: str = "", **args: Any
) -> str:
    """What a card's user can press: `do` says what, with `args`, and with what its `form` holds; `sure` is asked first.
    Of `kind` it is `main`, `grave` or neither; `read` is what a screen reader says instead of the label."""
    cls = f"wb-button wb-{kind}" if kind else "wb-button"
    return el(
        "button",
        escape(label),
        type="button",
        cls=cls,
        data_do=do,
        data_args=args or None,
        data_sure=sure or None,
        data_form=form,
        aria_label=read or None,
    )


def copied(text: str, shown: str = "") -> str:
    """Text with a button that copies it."""
    label = f"copy {text}" if len(text) < 60 else "copy"
    copy = el("button", "Copy", type="button", cls="wb-copy", data_copy=text, aria_label=label)
    return el("span", shown or el("code", escape(text)), copy, cls="wb-copied")


def rows(pairs: list[tuple[str, str]]) -> str:
    """Labels and the HTML beside them."""
    inside = "".join(
        el("dt", escape(label), cls=f"wb-row-{label.partition(' ')[0]}") + el("dd", html)
        for label, html in pairs
        if html
    )
    return el("dl", inside, cls="wb-rows") if inside else ""
