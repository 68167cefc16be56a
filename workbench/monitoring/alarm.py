"""The last look at the drift of something that runs -> a file beside it, and the text that Prometheus reads of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import last

if TYPE_CHECKING:
    from prometheus_client import Metric

    from .drift import Drift

_WHAT = "drift"
_GAUGES = {
    "psi": ("workbench_drift_psi", "population stability index of the window against the reference"),
    "adjusted": ("workbench_drift_p_value", "p-value of the comparison, corrected for all of them"),
    "drifted": ("workbench_drift", "whether it has drifted: 1, or 0"),
}


def said(name: str, seen: Drift) -> dict[str, Any]:
    """What was found now of the thing of this name, as it is kept."""
    return seen.to_json() | {"name": name, "at": time.time(), "outliers": len(seen.outliers)}


def keep(folder: Path, found: dict[str, Any]) -> None:
    """Write it down, in the place of what was there."""
    last.keep(folder, _WHAT, found)


def kept(folder: Path) -> dict[str, Any]:
    """What was found last; nothing where nobody has looked yet."""
    return last.kept(folder, _WHAT)


def families(found: dict[str, Any]) -> Iterator[Metric]:
    """That as gauges; none where nothing was found yet."""
    if found:
        yield from _Found(found).collect()


def prometheus(found: dict[str, Any]) -> bytes:
    """That as gauges for each comparison, labelled with the model, what runs, and the column; empty where nothing was
    found yet. A file of it is what node_exporter collects."""
    if not found:
        return b""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Found(found))
    made: bytes = generate_latest(registry)
    return made


class _Found:
    """What prometheus-client asks for the families."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        model, _, version = self.found["model"].partition("@")
        own = (model, version, self.found["name"])
        for key, (name, about) in _GAUGES.items():
            family = GaugeMetricFamily(name, about, labels=("model", "version", "name", "column", "role", "what"))
            for one in self.found["comparisons"]:
                if one[key] is not None:
                    family.add_metric((*own, one["column"], one["role"], one["what"]), float(one[key]))
            yield family
        numbers = {"rows": "window_rows", "outliers": "outliers", "timestamp_seconds": "at"}
        for name, key in numbers.items():
            labels = ("model", "version", "name")
            family = GaugeMetricFamily(f"workbench_drift_{name}", f"of the last look: {key}", labels=labels)
            family.add_metric(own, float(self.found[key]))
            yield family
