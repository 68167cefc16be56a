"""The predictors that this process has loaded: the last few are kept, and any that is in use is found."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from ..inference.predictor import Predictor

Key = tuple[Path, int]  # a bundle's folder, and when its manifest was written

KEPT = 8
_in_use: WeakValueDictionary[Key, Predictor] = WeakValueDictionary()
_last_used: OrderedDict[Key, Predictor] = OrderedDict()


def find(key: Key) -> Predictor | None:
    """The predictor that was kept under this key, or is still used."""
    found = _in_use.get(key)
    return keep(key, found) if found else None


def keep(key: Key, predictor: Predictor) -> Predictor:
    """Keep this one; of more than `KEPT`, the one that was asked for longest ago is let go."""
    _in_use[key] = _last_used[key] = predictor
    _last_used.move_to_end(key)
    while len(_last_used) > KEPT:
        _last_used.popitem(last=False)
    return predictor


def drop(folder: Path) -> None:
    """Let go of the predictor of a bundle that is removed."""
    for key in [k for k in _last_used if k[0] == folder.absolute()]:
        _last_used.pop(key, None)


def forget(folder: Path) -> None:
    """Find the predictor of this bundle no more, whoever uses it: the next one is loaded afresh."""
    drop(folder)
    for key in [k for k in list(_in_use) if k[0] == folder.absolute()]:
        _in_use.pop(key, None)
