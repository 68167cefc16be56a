"""A service -> the protocol that it speaks: its path says it, or what it answers at the paths of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import NotFound, UsageError
from . import dialects

if TYPE_CHECKING:
    from ..inference.schema import Schema
    from .dialects import Dialect
    from .remote import Remote

_V1 = re.compile(r"(.*/v1/models/[^/:]+)(?::predict)?")
_V2 = re.compile(r"(.*/v2/models/[^/]+(?:/versions/[^/]+)?)(?:/infer)?")


def dialect(remote: Remote, name: str, schema: Schema) -> Dialect:
    """How to ask the service for the model `name` (where the URL names none). NotFound where no protocol is known."""
    path = remote.path
    if found := _V2.fullmatch(path):
        return _v2(remote, found.group(1), schema)
    if found := _V1.fullmatch(path):
        return dialects.kserve(f"{found.group(1)}:predict", schema)
    if path.endswith("/invocations"):
        return dialects.mlflow(path, schema)
    if path.endswith("/predict"):
        return dialects.plain(path, schema)
    return _probed(remote, path, name, schema)


def _probed(remote: Remote, base: str, name: str, schema: Schema) -> Dialect:
    said = remote.look(f"{base}/v2")
    if isinstance(said, dict) and "name" in said:
        return _v2(remote, f"{base}/v2/models/{_v2_model(remote, base, name)}", schema)
    if remote.look(f"{base}/ping") is not None:
        return dialects.mlflow(f"{base}/invocations", schema)
    if isinstance(known := remote.look(f"{base}/v1/models"), dict) or remote.look(f"{base}/v1/models/{quote(name)}"):
        names = known.get("models", []) if isinstance(known, dict) else [name]
        return dialects.kserve(f"{base}/v1/models/{quote(_one_of(names, name, remote, 'v1'))}:predict", schema)
    raise NotFound(
        f"{remote.url} speaks no protocol that is known here (asked: /v2, /ping, /v1/models)",
        fix="name the path that takes rows: …/v2/models/NAME, …/invocations, …/v1/models/NAME:predict or …/predict",
    )


def _v2(remote: Remote, path: str, schema: Schema) -> Dialect:
    said = remote.look(path)
    inputs = said.get("inputs") or [] if isinstance(said, dict) else []
    return dialects.v2(f"{path}/infer", schema, inputs)


def _v2_model(remote: Remote, base: str, name: str) -> str:
    """The model to ask for: that of the same name, else the only one there is."""
    if isinstance(remote.look(f"{base}/v2/models/{quote(name)}"), dict):
        return quote(name)
    listed = remote.look(f"{base}/v2/models")
    names = listed.get("models", []) if isinstance(listed, dict) else _repository(remote, base)
    return quote(_one_of(names, name, remote, "v2"))


def _repository(remote: Remote, base: str) -> list[str]:
    """The models of Triton and MLServer, which list them so."""
    try:
        said: Any = remote.ask(f"{base}/v2/repository/index", b"{}")
    except NotFound:
        return []
    return sorted({str(one.get("name")) for one in said}) if isinstance(said, list) else []


def _one_of(names: list[str], name: str, remote: Remote, protocol: str) -> str:
    if name in names or not names:
        return name
    if len(names) == 1:
        return names[0]
    near = f"{remote.url.rstrip('/')}/{protocol}/models/{names[0]}"
    raise UsageError(f"{remote.url} has no model {name!r}; it has {', '.join(names)}", fix=f"name one: {near}")
