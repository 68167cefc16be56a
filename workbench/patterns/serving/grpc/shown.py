"""A row that a model is known to answer -> the line that asks for it over gRPC."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson

from ..looking.examples import first_row
from ..protocols import v2_outputs
from . import infer

if TYPE_CHECKING:
    from ..served import Served

_METHOD = "inference.GRPCInferenceService/ModelInfer"


def call(address: str, served: Served, own_name: str, *, token: bool, tls: bool) -> str:
    """For grpcurl, which learns the messages by reflection; it fetches the token where one is asked for."""
    made = infer.REQUEST(model_name=served.name)
    for name, values in first_row(served.example).items():
        kind, shape, raw = v2_outputs.raw(name, values, served.inputs.by_name[name])
        infer.fill(made.inputs.add(name=name, datatype=kind, shape=shape), kind, raw)
    asked = MessageToJson(made, preserving_proto_field_name=True, indent=None)
    header = f'-H "authorization: Bearer $(workbench token {own_name})" ' if token else ""
    return f"grpcurl {'' if tls else '-plaintext '}{header}-d {shlex.quote(asked)} {address} {_METHOD}"
