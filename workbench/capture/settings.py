"""What a notebook set in the packages that its model uses -> expressions of the context managers that set it again.

What is live counts, not the cell that set it: each reader compares with what the package has by itself.
"""

from __future__ import annotations

import decimal
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from .bindings import Refer
from .literals import literal
from .process import switched, warned

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
    "formatter": None,
    "override_repr": None,
    "legacy": False,
}
_XGBOOST = {"verbosity": 1, "use_rmm": False}
_PANDAS = ("mode.", "compute.", "future.", "io.")
_WRITES_TEXT = re.compile(
    r"\b(str|repr|ascii|format|print|pformat|style|to_\w+|array2string|array_str|array_repr)\b"
    r"|\b[rR]?[fF][rR]?[\"']|[\"']\s*%"
)
"""What makes text of arrays and frames, which the options of display have a say in."""


def settings(roots: set[str], source: str, cells: str, refer: Refer) -> dict[str, str]:
    """By what is set, `sklearn transform_output`, the expression of a context manager. `roots` are the packages that
    the model uses, `source` its text, `cells` that of the notebook."""
    found: dict[str, str] = {}
    readers = [("sklearn", _sklearn), ("numpy", _numpy), ("pandas", _pandas), ("xgboost", _xgboost)]
    if _WRITES_TEXT.search(source):
        readers += [("numpy", _printed), ("pandas", _displayed)]
    for package, reader in readers:
        if package in roots and package in sys.modules:
            found |= {f"{package} {key}": expression for key, expression in reader(refer)}
    if "decimal" in roots:
        found |= {f"decimal {key}": expression for key, expression in _decimal(refer)}
    found |= dict(switched(roots, cells, refer))
    if re.search("Warning|except|warnings", source):
        found |= dict(warned(cells, refer))
    return found


def _sklearn(refer: Refer) -> Iterator[tuple[str, str]]:
    import sklearn

    defaults: dict[str, Any] = getattr(sys.modules["sklearn._config"], "_global_config", {})
    now = sklearn.get_config()
    for key, default in defaults.items():
        if now.get(key) != default and (text := literal(now[key])):
            yield key, f"{refer('sklearn', sklearn)}.config_context({key}={text})"


def _xgboost(refer: Refer) -> Iterator[tuple[str, str]]:
    xgboost = sys.modules["xgboost"]
    now = xgboost.get_config()
    for key, usual in _XGBOOST.items():
        if now.get(key, usual) != usual:
            yield key, f"{refer('xgboost', xgboost)}.config_context({key}={now[key]!r})"


def _numpy(refer: Refer) -> Iterator[tuple[str, str]]:
    import numpy as np

    changed = {key: how for key, how in np.geterr().items() if how != _ERRORS[key]}
    if changed:
        said = ", ".join(f"{key}={how!r}" for key, how in changed.items())
        told = {"call", "log"} & set(changed.values())
        given = f"call={refer('numpy_told', np.geterrcall())}, {said}" if told else said
        yield f"errors ({said})", f"{refer('numpy', np)}.errstate({given})"


def _printed(refer: Refer) -> Iterator[tuple[str, str]]:
    import numpy as np

    now: dict[str, Any] = {**np.get_printoptions()}
    other = {key: now[key] for key, usual in _PRINTED.items() if now.get(key, usual) != usual}
    changed = {key: value for key, value in other.items() if (key, value) != ("sign", "legacy")}
    if changed:
        said = ", ".join(f"{key}={_option(key, value, refer)}" for key, value in changed.items())
        yield f"print ({', '.join(changed)})", f"{refer('numpy', np)}.printoptions({said})"


def _option(key: str, value: Any, refer: Refer) -> str:
    """The expression of an option: plain, a function, or functions by what they print."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{kind!r}: {refer(f'{key}_{kind}', each)}" for kind, each in value.items()) + "}"
    return refer(key, value) if callable(value) else repr(value)


def _displayed(refer: Refer) -> Iterator[tuple[str, str]]:
    return _pandas(refer, ("display.", "styler."))


def _pandas(refer: Refer, kinds: tuple[str, ...] = _PANDAS) -> Iterator[tuple[str, str]]:
    import pandas as pd

    config: Any = sys.modules.get("pandas._config.config")
    for key, option in getattr(config, "_registered_options", {}).items():
        if not key.startswith(kinds):
            continue
        with warnings.catch_warnings(action="ignore"):  # what is deprecated still has its say
            now = pd.get_option(key)
        if now != option.defval and (text := refer(key.split(".")[-1], now) if callable(now) else literal(now)):
            yield key, f"{refer('pandas', pd)}.option_context({key!r}, {text})"


def _decimal(refer: Refer) -> Iterator[tuple[str, str]]:
    now, usual = decimal.getcontext(), decimal.DefaultContext
    changed: dict[str, Any] = {}
    for key in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp"):
        if (value := getattr(now, key)) != getattr(usual, key):
            changed[key] = repr(value)
    if (raised := _raised(now)) != _raised(usual):
        changed["traps"] = f"[{', '.join(f'decimal.{name}' for name in raised)}]"
    for key, text in changed.items():
        own = refer("decimal", decimal)
        yield key, f"{own}.localcontext({key}={text.replace('decimal.', f'{own}.')})"


def _raised(context: decimal.Context) -> list[str]:
    return sorted(signal.__name__ for signal, on in context.traps.items() if on)
