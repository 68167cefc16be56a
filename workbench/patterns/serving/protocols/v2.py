"""The Open Inference Protocol, version 2, over REST: inference with JSON and binary tensors.

https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ....data.encoding import as_list
from .. import body, patience
from ..exchange import Question, Reply
from ..refusals import Refused
from . import v2_binary, v2_outputs
from .ids import new_id
from .v2_tensors import SHOWN, Tensor, check_whole_type, of_raw, of_values, question

if TYPE_CHECKING:
    from ....data.decoding import Decoder
    from ..asked import Answer
    from ..exchange import Request

_SHOWN = f"send {SHOWN}"
_NAMED = 'outputs: [{"name": …}], or leave it out to get all'
_ELSEWHERE = ("shared_memory_region", "classification")
_NONE: dict[str, Any] = {}


@dataclass(slots=True)
class _Wanted:
    """How an answer is to be written: the outputs, each raw or not (none are all), and the request's content type."""

    id: str
    outputs: list[tuple[str, bool]]
    raw: bool
    content_type: str | None
    told: bool

    @property
    def any_raw(self) -> bool:
        return any(raw for _, raw in self.outputs) if self.outputs else self.raw


def ask(request: Request, decoder: Decoder) -> Question:
    """Read an inference request. Refused where a tensor is not what it says."""
    length = request.headers.get(v2_binary.LENGTH)
    if length is None:
        return _asked(body.json(request.content, fix=_SHOWN), None, decoder)
    start = v2_binary.header_length(length, request.content)
    if start:
        buffers = v2_binary.Buffers(request.content, start)
        return _asked(body.json(request.content[:start], fix=_SHOWN), buffers, decoder)
    wanted = _Wanted(new_id(), [], raw=True, content_type=None, told=False)
    tensor = v2_binary.only_input(request.content, decoder.schema)
    return question([tensor], decoder.schema, partial(_answered, wanted), arrays=True)


def _asked(said: Any, buffers: v2_binary.Buffers | None, decoder: Decoder) -> Question:
    if type(said) is not dict or type(said.get("inputs")) is not list or not said["inputs"]:
        raise Refused("the request has no inputs", fix=SHOWN)
    tensors = [_tensor(found, buffers) for found in said["inputs"]]
    if buffers is not None:
        buffers.check_end()
    wanted = _wanted(said, tensors)
    found = question(tensors, decoder.schema, partial(_answered, wanted), arrays=wanted.any_raw)
    found.timeout = patience.of_parameter(_parameters(said).get("timeout"))
    found.explains = _parameters(said).get("explain") is True
    return found


def _tensor(found: Any, buffers: v2_binary.Buffers | None) -> Tensor:
    try:
        name, kind, shape = found["name"], found["datatype"], found["shape"]
    except (KeyError, TypeError) as error:
        raise Refused("an input lacks name, shape or datatype", fix=SHOWN) from error
    parameters = _parameters(found) if "parameters" in found else _NONE
    if ("data" in found) == ("binary_data_size" in parameters):
        what = f"input {name!r} has data and binary_data_size" if "data" in found else f"input {name!r} has no data"
        fix = 'give either its values, "data": […], or "parameters": {"binary_data_size": bytes} and its bytes'
        raise Refused(what, fix=fix)
    content_type = parameters.get("content_type")
    if "data" in found:
        return of_values(name, kind, shape, found["data"], content_type)
    if buffers is None:
        fix = "say how many bytes of the body are JSON; its tensors' bytes follow them"
        raise Refused(f"input {name!r} is binary, without Inference-Header-Content-Length", fix=fix)
    return of_raw(name, kind, shape, buffers.take(parameters["binary_data_size"], name), content_type)


def _parameters(found: dict[str, Any]) -> dict[str, Any]:
    said = found.get("parameters")
    if said is None:
        return _NONE
    if type(said) is not dict:
        raise Refused("parameters is no object", fix='as in "parameters": {"content_type": "np"}')
    return said


def _wanted(said: dict[str, Any], tensors: list[Tensor]) -> _Wanted:
    asked = said.get("id") or new_id()
    if type(asked) is not str:
        raise Refused(f"the id {asked!r} is no text", fix="give it as text, or leave it out")
    parameters, outputs = _parameters(said), said.get("outputs") or []
    content_type, raw = parameters.get("content_type"), parameters.get("binary_data_output") is True
    check_whole_type(content_type)
    told = content_type is not None or any(tensor.content_type is not None for tensor in tensors)
    return _Wanted(asked, _outputs(outputs, raw) if outputs else [], raw, content_type, told)


def _outputs(outputs: Any, raw: bool) -> list[tuple[str, bool]]:
    """The names of the outputs that are asked for, and whether they are to be raw."""
    if type(outputs) is not list or any(type(o) is not dict or type(o.get("name")) is not str for o in outputs):
        raise Refused("outputs is no list of names", fix=_NAMED)
    found = []
    for output in outputs:
        parameters = _parameters(output)
        if other := next((name for name in _ELSEWHERE if parameters.get(name)), None):
            raise Refused(f"output {output['name']!r}: {other} is not known here", fix=_NAMED)
        found.append((output["name"], parameters.get("binary_data", raw) is True))
    return found


def _answered(wanted: _Wanted, answer: Answer) -> Reply:
    served, columns = answer.served, answer.columns
    if unknown := [name for name, _ in wanted.outputs if name not in columns]:
        raise Refused(f"there is no output {unknown[0]!r}", fix=f"outputs: {', '.join(columns)}")
    raws: list[bytes] = []
    outputs = [
        _output(name, raw, wanted, answer, raws) for name, raw in wanted.outputs or ((n, wanted.raw) for n in columns)
    ]
    said: dict[str, Any] = {
        "model_name": served.name,
        "model_version": str(served.version),
        "id": wanted.id,
        "outputs": outputs,
    }
    if wanted.content_type is not None:
        said["parameters"] = {"content_type": wanted.content_type}
    return v2_binary.reply(said, raws)


def _output(name: str, raw: bool, wanted: _Wanted, answer: Answer, raws: list[bytes]) -> dict[str, Any]:
    field, values = answer.served.outputs.by_name.get(name), answer.columns[name]
    parameters: dict[str, Any] = {}
    if raw:
        kind, shape, content = v2_outputs.raw(name, values, field)
        raws.append(content)
        parameters["binary_data_size"] = len(content)
        found = {"name": name, "shape": shape, "datatype": kind}
    else:
        kind, shape, flat = v2_outputs.of_column(values if type(values) is list else as_list(values), field)
        found = {"name": name, "shape": shape, "datatype": kind, "data": flat}
    if wanted.told:
        parameters["content_type"] = v2_outputs.content_type(kind, field)
    return found | {"parameters": parameters} if parameters else found
