"""A parameter that is a frame -> the file or table that it is read from, looked at before a kernel starts."""

from __future__ import annotations

import re
from typing import Any

from ...data import places
from ...data.folders import absolute_input, inputs
from ...errors import UsageError, WorkbenchError

_PASSWORD = re.compile(r"://[^/@:]*:[^@/]+@")
READS = "from workbench.data.examples import frame as read_frame"
"""The line that a cell needs which reads one."""


class Frame(str):
    """Where a frame is read from; as the type of a parameter, that it is one."""

    @property
    def code(self) -> str:
        """The expression that reads it."""
        return f"read_frame({str(self)!r})"


def given(name: str, value: Any) -> Frame:
    """The place as it reads from every folder, once its first rows are read. UsageError for a frame itself, which no
    other process sees; what reading the place raises, which names the parameter."""
    if not isinstance(value, str):
        what = f"parameter {name} is a frame, which another process reads from a file or a table"
        raise UsageError(what, fix=f"write it first: {name}.to_parquet('{name}.parquet') and -p {name}={name}.parquet")
    if _PASSWORD.search(value):
        what = f"parameter {name} holds a password, which would stand in the record of the run"
        raise UsageError(what, fix=f"-p {name}='${{DATABASE}}?table=NAME', and DATABASE=… in a file: --env-file FILE")
    try:
        place = absolute_input(value)
        if "${" not in place:  # the variables of the run
            _look(place)
    except WorkbenchError as error:
        error.what = f"parameter {name}: {error.what}"
        raise
    return Frame(place)


def _look(place: str) -> None:
    files = inputs(place)
    if len(files) > 1:
        raise UsageError(f"{place} is {len(files)} files, and a frame is read from one", fix="name one of them")
    next(iter(places.source(files[0]).pieces()))
