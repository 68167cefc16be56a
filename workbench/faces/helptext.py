"""A verb -> its help text, and all verbs -> the overview, in the spelling of the face that asks."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ..specs.spec import Group, Option, Verb
from ..specs.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Sequence

_INDENT, _COLUMN, _VERB_COLUMN, _WIDEST = "  ", 31, 16, 100


def usage(spec: Verb, caller: str) -> str:
    """One line: `%predict MODEL INPUT [-o OUTPUT] [--email ADDRESS]`."""
    return " ".join([caller, *_parts(spec)])


def _parts(spec: Verb) -> list[str]:
    parts = [
        option.metavar if option.required else f"[{option.metavar}]" for option in spec.options if option.positional
    ]
    others = [option for option in spec.options if not option.positional]
    return parts + [_flag(option) if option.required else f"[{_flag(option)}]" for option in others]


def required_usage(spec: Verb, caller: str) -> str:
    """The usage with no more than must be given: `%predict MODEL INPUT`."""
    needed = [option for option in spec.options if option.required]
    return " ".join([caller, *(option.metavar if option.positional else _flag(option) for option in needed)])


def verb_help(spec: Verb, caller: str, words: Sequence[str] = ()) -> str:
    """How a verb is called, what it does, and each of its options; of a notebook among the words, its parameters."""
    rows = [(_names(option), option.help) for option in spec.options]
    rows.append(("-h, --help", "show this"))
    blocks = [_usage_lines(spec, caller), _wrapped(spec.summary, ""), "\n".join(map(_row, rows))]
    if spec.example:
        blocks.append(_wrapped(f"for example  {_in_spelling(spec, caller)}", " " * 13))
    blocks += [_parameters(word) for word in words if word.endswith(".ipynb")] if spec.name == "batch" else []
    return "\n\n".join(blocks)


def _parameters(notebook: str) -> str:
    """The parameters of a notebook: their defaults, what they may be, and what its comments say of them."""
    from ..patterns.batch.parameters import read

    found = (read(Path(notebook).expanduser()) or {}).values()
    rows = [(f"-p {one.name}={one.said}", " · ".join(filter(None, [one.kind, one.help]))) for one in found]
    none = "  none: no cell is tagged `parameters`"
    return "\n".join([f"parameters of {notebook}", *map(_row, rows)] if rows else [f"parameters of {notebook}", none])


def overview(caller: str) -> str:
    """The verbs with their summaries, grouped."""
    blocks = [
        f"{caller} VERB …\n\nOne model, as a cell defines it, proven and taken to where its predictions are needed."
    ]
    for group in get_args(Group):
        rows = [_row((spec.name, spec.summary), _VERB_COLUMN) for spec in VERBS if spec.group == group]
        blocks.append("\n".join([group, *rows]))
    if caller.startswith("%"):
        short = [f"%%{v.name}" if v.cell else f"%{v.name}" for v in VERBS if v.short]
        blocks.append(f"for short  {', '.join(short)}\noptions    {caller} VERB --help")
    else:
        blocks.append(f"options  {caller} VERB --help\nversion  {caller} --version")
    return "\n\n".join(blocks)


def _usage_lines(spec: Verb, caller: str) -> str:
    """The usage, broken between options only."""
    unbroken = [part.replace(" ", "\0") for part in (caller, *_parts(spec))]
    return _wrapped(" ".join(unbroken), " " * (len(caller) + 1)).replace("\0", " ")


def _in_spelling(spec: Verb, caller: str) -> str:
    """The example as this face writes it: the specs hold the notebook's spelling."""
    if caller.startswith("%"):
        return spec.example
    words = (spec.shell_example or spec.example).split()
    return " ".join([caller, *words[1 if words[0] == f"%{spec.name}" else 2 :]])


def _flag(option: Option) -> str:
    return f"{option.flags[0]} {_value(option)}".strip()


def _value(option: Option) -> str:
    return f"[{option.metavar}]" if option.bare else option.metavar


def _names(option: Option) -> str:
    flags = ", ".join(option.flags)
    if not option.positional:
        return f"{flags} {_value(option)}".strip()
    return f"{option.metavar}, {flags}" if flags else option.metavar


def _row(row: tuple[str, str], column: int = _COLUMN) -> str:
    names, text = row
    head = f"{_INDENT}{names}"
    gap = " " * column
    if len(head) > column - 2:
        return f"{head}\n{_wrapped(gap + text, gap)}"
    return _wrapped(head.ljust(column) + text, gap)


def _wrapped(text: str, gap: str) -> str:
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 0)).columns)
    return textwrap.fill(text, width, subsequent_indent=gap, break_long_words=False, break_on_hyphens=False)


def docstring(spec: Verb) -> str:
    """The docstring of a verb's Python function."""
    rows = "\n".join(_row((option.name, option.help), 20) for option in spec.options)
    return f"{spec.summary[0].upper()}{spec.summary[1:]}.\n\n{rows}\n"
