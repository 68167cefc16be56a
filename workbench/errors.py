"""What a person is told when something cannot be done: what happened, where, and the next step."""

from __future__ import annotations


class WorkbenchError(Exception):
    """The root of every error that Workbench raises on purpose.

    `what` says what happened and names the thing, `where` the place (cell, file, row, column),
    `fix` the next step. Faces print `str(error)`; nobody needs a traceback to understand it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  at {self.where}")
        if self.fix:
            lines.append(f"→ {self.fix}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), dict(self.__dict__))

    def _render_traceback_(self) -> list[str]:
        """IPython asks an exception for this: a notebook shows the message and no traceback."""
        return str(self).splitlines()


def _rebuild(kind: type[WorkbenchError], fields: dict[str, object]) -> WorkbenchError:
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    error.args = (fields["what"],)
    return error


class UsageError(WorkbenchError):
    """A verb, option or value that does not exist or does not fit."""

    exit_code = 2


class NotFound(WorkbenchError):
    """A model, version, file or column that is not there."""


class BadInput(WorkbenchError):
    """Data that the model cannot take. `column` and `row` (from 0, of the whole input) where known."""

    def __init__(
        self,
        what: str,
        *,
        column: str | None = None,
        row: int | None = None,
        where: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.column, self.row = column, row


class CaptureRefused(WorkbenchError):
    """A cell that cannot be taken out of its notebook as it is."""


class NotProven(WorkbenchError):
    """A clean process did not answer what the kernel answered."""


class BundleRefused(WorkbenchError):
    """A bundle that was changed, is damaged, or needs another Python or other packages."""


class ModelFailed(WorkbenchError):
    """The model's own code raised, or answered something that is not a prediction."""


class StorageError(WorkbenchError):
    """A folder that cannot be written, or a disk that is full."""


class Interrupted(WorkbenchError):
    """Somebody would not wait any longer; what was waited for goes on."""

    exit_code = 130


class JobFailed(WorkbenchError):
    """Something that runs in the background failed, or could not begin."""
