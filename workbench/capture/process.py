"""What a notebook set in its process, for all that runs there -> expressions of the context managers that set it again.

They are calls of `__held__` and `__warned__`, which the bundle has.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from .bindings import Refer
from .literals import literal

_SWITCHES = (
    ("sys", "getswitchinterval", "setswitchinterval", 0.005),
    ("sys", "get_int_max_str_digits", "set_int_max_str_digits", 4300),
    ("csv", "field_size_limit", "field_size_limit", 131072),
    ("socket", "getdefaulttimeout", "setdefaulttimeout", None),
    ("numpy", "getbufsize", "setbufsize", 8192),
    ("torch", "get_default_dtype", "set_default_dtype", "torch.float32"),
    ("torch", "is_grad_enabled", "set_grad_enabled", True),
    ("torch", "are_deterministic_algorithms_enabled", "use_deterministic_algorithms", False),
)
"""Where each is, what reads it, what sets it, and what it is by itself."""
_BY_THREAD = {"setbufsize", "set_grad_enabled"}
"""Each thread has its own."""
_RECURSION = ("sys", "getrecursionlimit", "setrecursionlimit", None)
"""A completer of the shell sets it too, so that it counts only where a cell speaks of it."""
_SHELL = ("IPython", "ipykernel", "traitlets")


def switched(roots: set[str], cells: str, refer: Refer) -> Iterator[tuple[str, str]]:
    """The switches that are otherwise here than by themselves, where the model uses what has them."""
    spoken = [_RECURSION] if "setrecursionlimit" in cells else []
    for home, reads, sets, usual in (*_SWITCHES, *spoken):
        module: Any = sys.modules.get(home)
        if module is None or (home not in roots and home not in sys.stdlib_module_names):
            continue
        now = getattr(module, reads)()
        if now != usual and str(now) != usual:
            own = refer(home, module)
            text = literal(now) if literal(now) is not None else f"{own}.{str(now).partition('.')[2]}"
            whose = ", by_thread=True" if sets in _BY_THREAD else ""
            yield f"{home}.{sets}({now})", f"__held__({own}.{reads}, {own}.{sets}, {text}{whose})"


def warned(cells: str, refer: Refer) -> Iterator[tuple[str, str]]:
    """The filters of warnings down to the last that makes errors of some, and those that a cell set, in their order."""
    rows, said = [], []
    filters: list[Any] = list(warnings.filters)
    last = max((place for place, (action, *_) in enumerate(filters) if action == "error"), default=-1)
    for place, (action, message, category, module, line) in enumerate(filters):
        patterns = [str(getattr(each, "pattern", each) or "") for each in (message, module)]
        if _counts(action, patterns, category, cells, above=place <= last):
            rows.append(f"({action!r}, {patterns[0]!r}, {refer(category.__name__, category)}, {patterns[1]!r}, {line})")
            said.append(" ".join(filter(None, [category.__name__, "as", action, *patterns])))
    if rows:
        yield f"warnings ({', '.join(said)})", f"__warned__({', '.join(rows)})"


def _counts(action: str, patterns: list[str], category: type, cells: str, *, above: bool) -> bool:
    """Whether a filter is one of the model's: an error, or `above` one, or by a cell."""
    if category.__module__.partition(".")[0] in _SHELL:
        return False
    if above:
        return True
    by_a_cell = re.search(rf"filter\w*\(\s*(action\s*=\s*)?[\"']{action}", cells)
    written = all(pattern in cells for pattern in patterns)
    return by_a_cell is not None and written and (category is Warning or category.__name__ in cells)
