"""A ModelInferRequest -> a question, and the model's answer as a ModelInferResponse of the request's form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ....data.tensors import from_bytes
from .. import patience
from ..exchange import Question, Reply
from ..protocols import v2_outputs
from ..protocols.ids import new_id
from ..protocols.v2_tensors import Tensor, check_whole_type, of_raw, of_values, question
from ..refusals import Refused
from .messages import message

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..asked import Answer

REQUEST, RESPONSE = message("inference.ModelInferRequest"), message("inference.ModelInferResponse")

_CONTENTS = {"BOOL": "bool_contents", "INT64": "int64_contents", "UINT64": "uint64_contents", "BYTES": "bytes_contents"}
_CONTENTS |= {f"INT{bits}": "int_contents" for bits in (8, 16, 32)}
_CONTENTS |= {f"UINT{bits}": "uint_contents" for bits in (8, 16, 32)}
_CONTENTS |= {"FP32": "fp32_contents", "FP64": "fp64_contents"}
_TYPE = b"application/grpc"
_CONTENT_TYPE, _TIMEOUT, _EXPLAIN = "content_type", "timeout", "explain"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How an answer is written: its id, the outputs (none are all), raw or not, and the request's content type."""

    id: str
    outputs: tuple[str, ...]
    raw: bool
    content_type: str | None
    told: bool


def ask(request: Any, decoder: Decoder) -> Question:
    """Read a request. Refused where a tensor is not what it says."""
    raws, inputs = request.raw_input_contents, request.inputs
    if not inputs:
        raise Refused("the request has no inputs", fix="give the model's inputs; ModelMetadata names them")
    if raws and len(raws) != len(inputs):
        what = f"the request has {len(inputs)} inputs and {len(raws)} raw_input_contents"
        raise Refused(what, fix="give each input its bytes, in the order of the inputs, or none")
    tensors = (
        [_raw(one, raw) for one, raw in zip(inputs, raws, strict=True)] if raws else [_typed(one) for one in inputs]
    )
    check_whole_type(content_type := _content_type(request))
    told = content_type is not None or any(tensor.content_type is not None for tensor in tensors)
    outputs = tuple(output.name for output in request.outputs)
    wanted = _Wanted(request.id or new_id(), outputs, bool(raws), content_type, told)
    found = question(tensors, decoder.schema, partial(_answered, wanted), arrays=True)
    found.timeout = _timeout(request)
    found.explains = _EXPLAIN in request.parameters and request.parameters[_EXPLAIN].bool_param
    return found


def _raw(found: Any, raw: bytes) -> Tensor:
    if found.HasField("contents") and found.contents.ByteSize():
        what = f"contents field must not be specified when using raw_input_contents for {found.name!r}"
        raise Refused(what, fix="give the values of all inputs as contents, or the bytes of all as raw_input_contents")
    return of_raw(found.name, found.datatype, list(found.shape), raw, _content_type(found))


def _typed(found: Any) -> Tensor:
    kind = found.datatype
    if kind in ("FP16", "BF16"):
        fix = "give the bytes of all inputs as raw_input_contents, or this as FP32"
        raise Refused(f"input {found.name!r}: {kind} has no contents field", fix=fix)
    values = getattr(found.contents, _CONTENTS[kind]) if kind in _CONTENTS else ()
    return of_values(found.name, kind, list(found.shape), list(values), _content_type(found))


def _content_type(found: Any) -> str | None:
    said = found.parameters
    return said[_CONTENT_TYPE].string_param if _CONTENT_TYPE in said else None


def _timeout(request: Any) -> float | None:
    if _TIMEOUT not in request.parameters:
        return None
    said = request.parameters[_TIMEOUT]
    kind = said.WhichOneof("parameter_choice")
    return patience.of_parameter(getattr(said, kind) if kind else None)


def _answered(wanted: _Wanted, answer: Answer) -> Reply:
    served, columns = answer.served, answer.columns
    if unknown := [name for name in wanted.outputs if name not in columns]:
        raise Refused(f"there is no output {unknown[0]!r}", fix=f"outputs: {', '.join(columns)}")
    made = RESPONSE(model_name=served.name, model_version=str(served.version), id=wanted.id)
    if wanted.content_type is not None:
        made.parameters[_CONTENT_TYPE].string_param = wanted.content_type
    for name in wanted.outputs or columns:
        _output(made, name, wanted, answer)
    return Reply(made.SerializeToString(), _TYPE)


def _output(made: Any, name: str, wanted: _Wanted, answer: Answer) -> None:
    field = answer.served.outputs.by_name.get(name)
    kind, shape, raw = v2_outputs.raw(name, answer.columns[name], field)
    output = made.outputs.add(name=name, datatype=kind, shape=shape)
    if wanted.told:
        output.parameters[_CONTENT_TYPE].string_param = v2_outputs.content_type(kind, field)
    if wanted.raw:
        made.raw_output_contents.append(raw)
        return
    fill(output, kind, raw)


def fill(tensor: Any, kind: str, raw: bytes) -> None:
    """Give a tensor of a message these values as typed contents."""
    values = from_bytes(raw, kind)
    if kind == "FP16":  # no contents hold it; these do, exactly
        kind = tensor.datatype = "FP32"
    getattr(tensor.contents, _CONTENTS[kind]).extend(values if kind == "BYTES" else values.tolist())
