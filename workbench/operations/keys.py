"""`--sticky-by` -> whose values are keys: a column that all versions take, else a header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..routing.table import sticky_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..bundle.version import ModelVersion


def sticky(said: str | None, versions: Sequence[ModelVersion]) -> str:
    """As a table has it; empty where nothing was said. UsageError for what is neither."""
    if not said:
        return ""
    if all(said in _columns(version) for version in versions):
        return sticky_by(said)
    if not said.isascii() or set(said) & set(" :\t\r\n"):
        fix = f"--sticky-by X-Customer, or a column: {', '.join(_columns(versions[0]))}"
        raise UsageError(f"{said!r} names no header, and no column of all versions", fix=fix)
    return said.lower()


def _columns(version: ModelVersion) -> list[str]:
    return [field["name"] for field in version.manifest.schema["fields"]]
