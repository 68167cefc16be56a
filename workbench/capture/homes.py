"""Objects of local modules -> where they are at home, so that what holds one of them holds that very one elsewhere."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from .imports import is_beside
from .sharing import can_change
from .texts import parsed

Homes = Mapping[int, tuple[str, str]]
"""By identity, the module and the name."""


def homes() -> Homes:
    """Those of all local modules that this kernel has imported, as far as their files bind them."""
    found: dict[int, tuple[str, str]] = {}
    for path, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and "site-packages" not in file and isinstance(module, ModuleType) and is_beside(module):
            found |= {id(vars(module)[name]): (path, name) for name in _bound(module)}
    return found


def among(known: Homes, modules: Iterable[str]) -> Homes:
    """Those of some modules."""
    wanted = set(modules)
    return {key: home for key, home in known.items() if home[0] in wanted}


def _bound(module: ModuleType) -> Iterator[str]:
    try:
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    stores = {n.id for n in ast.walk(parsed(text)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    yield from sorted(name for name in stores & vars(module).keys() if can_change(vars(module)[name]))
