"""What a notebook set in the packages that its model uses -> expressions of the context managers that set it again.

What is live counts, not the cell that set it: each reader compares with what the package has by itself.
"""

from __future__ import annotations

import decimal
import re
import sys
from collections.abc import Iterator
from typing import Any

from .bindings import Refer
from .literals import literal
from .texts import attribute

_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
_PRINTED: dict[str, Any] = {
    "precision": 8,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 75,
    "suppress": False,
    "nanstr": "nan",
    "infstr": "inf",
    "sign": "-",
    "floatmode": "maxprec",
}
_PANDAS = ("mode.", "compute.", "future.")
_WRITES_TEXT = re.compile(r"\b(str|repr|format|print|to_\w+|array2string|array_str|array_repr)\b|\b[rR]?[fF][rR]?[\"']")
"""What makes text of arrays and frames, which the options of display have a say in."""


def settings(roots: set[str], source: str, refer: Refer) -> dict[str, str]:
    """By what is set, `sklearn transform_output`, the expression of a context manager. `roots` are the packages that
    the model uses, `source` its text."""
    found: dict[str, str] = {}
    readers = [("sklearn", _sklearn), ("numpy", _numpy), ("pandas", _pandas)]
    if _WRITES_TEXT.search(source):
        readers += [("numpy", _printed), ("pandas", _displayed)]
    for package, reader in readers:
        if package in roots and package in sys.modules:
            found |= {f"{package} {key}": expression for key, expression in reader(refer)}
    if "decimal" in roots:
        found |= {f"decimal {key}": expression for key, expression in _decimal(refer)}
    if "Warning" in source or "except" in source:
        found |= dict(_warnings(refer))
    return found


def _sklearn(refer: Refer) -> Iterator[tuple[str, str]]:
    import sklearn

    defaults: dict[str, Any] = getattr(sys.modules["sklearn._config"], "_global_config", {})
    now = sklearn.get_config()
    for key, default in defaults.items():
        if now.get(key) != default and (text := literal(now[key])):
            yield key, f"{refer('sklearn', sklearn)}.config_context({key}={text})"


def _numpy(refer: Refer) -> Iterator[tuple[str, str]]:
    import numpy as np

    changed = {key: how for key, how in np.geterr().items() if how != _ERRORS[key]}
    if changed:
        said = ", ".join(f"{key}={how!r}" for key, how in changed.items())
        if {"call", "log"} & set(changed.values()) and (told := np.geterrcall()) is not None:
            said += f", call={refer('error', told)}"
        yield f"errors ({said})", f"{refer('numpy', np)}.errstate({said})"


def _printed(refer: Refer) -> Iterator[tuple[str, str]]:
    import numpy as np

    now: dict[str, Any] = {**np.get_printoptions()}
    if changed := {key: now[key] for key, usual in _PRINTED.items() if now.get(key) != usual}:
        said = ", ".join(f"{key}={value!r}" for key, value in changed.items())
        yield f"print ({said})", f"{refer('numpy', np)}.printoptions({said})"


def _displayed(refer: Refer) -> Iterator[tuple[str, str]]:
    return _pandas(refer, ("display.",))


def _pandas(refer: Refer, kinds: tuple[str, ...] = _PANDAS) -> Iterator[tuple[str, str]]:
    import pandas as pd

    config: Any = sys.modules.get("pandas._config.config")
    for key, option in getattr(config, "_registered_options", {}).items():
        if not key.startswith(kinds) or key in getattr(config, "_deprecated_options", ()):
            continue
        now = pd.get_option(key)
        if now != option.defval and (text := refer(key.split(".")[-1], now) if callable(now) else literal(now)):
            yield key, f"{refer('pandas', pd)}.option_context({key!r}, {text})"


def _decimal(refer: Refer) -> Iterator[tuple[str, str]]:
    now, usual = decimal.getcontext(), decimal.DefaultContext
    for key in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp"):
        if (value := getattr(now, key)) != getattr(usual, key):
            yield key, f"{refer('decimal', decimal)}.localcontext({key}={value!r})"
    if now.traps != usual.traps:
        traps = ", ".join(refer(signal.__name__, signal) for signal, on in now.traps.items() if on)
        yield "traps", f"{refer('decimal', decimal)}.localcontext(traps=[{traps}])"


def _warnings(refer: Refer) -> Iterator[tuple[str, str]]:
    """The filters above the last that makes an error of a warning, where the model's text may catch it."""
    import warnings

    errors = [place for place, (action, *_) in enumerate(warnings.filters) if action == "error"]
    for action, message, kind, module, _ in reversed(warnings.filters[: errors[-1] + 1] if errors else []):
        category: Any = kind
        words = [attribute(each, "pattern", each) for each in (message, module)]
        about = "".join(f" {word!r}" for word in words if word)
        expression = f"__warning__({action!r}, {refer(category.__name__, category)}, {words[0]!r}, {words[1]!r})"
        yield f"{category.__name__}{about} as {action}", expression
