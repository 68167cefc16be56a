"""What a service of ours answers instead of predictions -> the error that an offline prediction would raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from .. import text
from ..errors import BadInput, ModelFailed, WorkbenchError

if TYPE_CHECKING:
    import httpx

    from .remote import Remote


def error(response: httpx.Response, remote: Remote, first_row: int) -> Exception:
    """The error; its row is that of the whole input, of which the request held the rows from `first_row` on."""
    said = _said(response)
    if response.status_code == 400 and "error" in said:
        row = said.get("row")
        row = row + first_row if isinstance(row, int) else None
        where = f"the rows from {text.count(first_row)} on" if first_row else said.get("where")
        return BadInput(said["error"], column=said.get("column"), row=row, where=where, fix=said.get("fix"))
    if response.status_code == 500 and "error" in said:
        return ModelFailed(said["error"], where=said.get("where"), fix=said.get("fix"))
    return remote.refused(remote.path, response)


def too_large(size: int, most: int, rows: int, *, together: bool) -> WorkbenchError:
    """That rows cannot be split any further."""
    why = ", which the model must see together" if together and rows > 1 else ""
    what = f"{text.count(rows, 'row')}{why}: {text.size(size)}, where the service takes {text.size(most)} at a time"
    return BadInput(what, fix="%serve with a larger --max-body, or %predict")


def _said(response: httpx.Response) -> dict[str, Any]:
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
