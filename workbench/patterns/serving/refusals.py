"""What is wrong with a request -> a status and what the client is told."""

from __future__ import annotations

from typing import Any

from ...errors import BadInput, ModelFailed, NotFound, UsageError, WorkbenchError


class Refused(WorkbenchError):
    """A request that gets no answer, with its status and further headers."""

    status = 400

    def __init__(self, what: str, *, fix: str, status: int | None = None) -> None:
        super().__init__(what, fix=fix)
        self.status = status or self.status


class Busy(Refused):
    """More requests wait than may."""

    status = 429


def status_of(error: WorkbenchError) -> int:
    """400 for what the client sent, 404 for what is not there, 500 for what the model did."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, ModelFailed):
        return 500
    return 400 if isinstance(error, BadInput | UsageError) else 500


def body_of(error: WorkbenchError) -> dict[str, Any]:
    """`{"error": …}` with what is known of the place, and the next step."""
    found: dict[str, Any] = {"error": error.what}
    found |= {"where": error.where} if error.where and not isinstance(error, ModelFailed) else {}
    found |= {"fix": error.fix} if error.fix else {}
    if isinstance(error, BadInput):
        found |= {"column": error.column} if error.column is not None else {}
        found |= {"row": error.row} if error.row is not None else {}
    return found
