"""What is wrong with a request -> a status and what the client is told."""

from __future__ import annotations

from typing import Any

from ...errors import BadInput, ModelFailed, NotFound, UsageError, WorkbenchError


class Refused(WorkbenchError):
    """A request that gets no answer, with its status and further headers."""

    status = 400
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(
        self, what: str, *, fix: str, status: int | None = None, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(what, fix=fix)
        self.status, self.headers = status or self.status, headers or self.headers


class Busy(Refused):
    """More requests wait than may."""

    status = 429
    headers = ((b"retry-after", b"1"),)


class Gone(Refused):
    """The client went away; nobody sees it but the figures."""

    status = 499

    def __init__(self) -> None:
        super().__init__("the client went away", fix="wait for the answer")


class TooLate(Refused):
    """The answer was not there at the deadline."""

    status = 504

    def __init__(self) -> None:
        fix = "allow more time (--timeout of %serve, X-Request-Timeout, V2's timeout), or send fewer rows"
        super().__init__("the answer was not there in time", fix=fix)


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


def not_taken(method: str, path: str, allowed: bytes, fix: str) -> Refused:
    """The refusal of a method that a path does not take; `allowed` are those that it does."""
    return Refused(f"{method} is not taken at {path}", fix=fix, status=405, headers=((b"allow", allowed),))


def too_large(most: int) -> Refused:
    """The refusal of a body beyond the limit."""
    fix = "send fewer rows at a time, use %batch, or %serve with a larger --max-body"
    return Refused(f"the body is larger than {most / 1e6:g} MB", fix=fix, status=413)


def twice(names: list[Any]) -> Any:
    """The first name that comes again, or None."""
    seen: set[Any] = set()
    return next((n for n in names if n in seen or seen.add(n)), None)  # type: ignore[func-returns-value]


def no_rows(place: str, said: Any, fix: str) -> Refused:
    """What is wrong with something that should be a list of records."""
    if type(said) is not list:
        return Refused(f"{place} is {_kind(said)}: there are no rows in it", fix=fix)
    row, other = next(((i, row) for i, row in enumerate(said) if type(row) is not dict), (0, None))
    return Refused(f"row {row} of {place} is {_kind(other)}, no record", fix=fix)


def _kind(value: Any) -> str:
    """What JSON calls it."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
