"""A service and a row -> lines to copy that ask it, in the shell, in Python and in a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ....data.encoding import dumps
from .examples import call


@dataclass(frozen=True)
class Snippet:
    """What to copy into what `title` names."""

    title: str
    text: str


def snippets(url: str, example: Any, own_name: str, *, token: bool, over_grpc: str = "") -> tuple[Snippet, ...]:
    """Ways to ask the deployment `own_name` at `url` for an example, and perhaps `over_grpc`; none holds its token."""
    row = json.loads(dumps(example))
    return (
        Snippet("Shell", call(url, example, own_name, token=token)),
        Snippet("Python", _workbench(url, row, own_name, token=token)),
        Snippet("Python, httpx", _httpx(url, row, own_name, token=token)),
        Snippet("JavaScript", _javascript(url, row, token=token)),
        *([Snippet("gRPC", over_grpc)] if over_grpc else []),
    )


def _workbench(url: str, row: Any, own_name: str, *, token: bool) -> str:
    elsewhere = f"workbench.client({url!r}, token=…)" if token else f"workbench.client({url!r})"
    rows = row if isinstance(row, list) else [row]
    return (
        f"import workbench\n\nservice = workbench.client({own_name!r})  # on another machine: {elsewhere}\n"
        f"service.predict({rows!r})  # or a frame: the answer has its index"
    )


def _httpx(url: str, row: Any, own_name: str, *, token: bool) -> str:
    given = ', headers={"Authorization": f"Bearer {token}"}' if token else ""
    known = f"token = …  # workbench token {own_name}, in a shell\n" if token else ""
    return f'import httpx\n\n{known}answer = httpx.post("{url}/predict", json={row!r}{given})\nanswer.json()'


def _javascript(url: str, row: Any, *, token: bool) -> str:
    headers = '{"Content-Type": "application/json"' + (", Authorization: `Bearer ${token}`}" if token else "}")
    return (
        f"const answer = await fetch({json.dumps(f'{url}/predict')}, {{\n"
        f'  method: "POST",\n  headers: {headers},\n'
        f"  body: JSON.stringify({json.dumps(row, ensure_ascii=False)}),\n}});\nconsole.log(await answer.json());"
    )
