"""What a version that answers is, and what it has done, in the words of the Open Inference Protocol and of Triton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ....data.tensors import datatype
from ..batcher import MOST_ROWS
from ..refusals import Refused

if TYPE_CHECKING:
    from ....inference.schema import Schema
    from ....monitoring.figures import Figures
    from ..served import Served

Json = dict[str, Any]

EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "parameters", "statistics"]
_PLATFORM = "workbench_python"
_NS = 1e9
_STAGES = {
    "success": "answered",
    "queue": "queue",
    "compute_input": "decode",
    "compute_infer": "model",
    "compute_output": "encode",
}


def metadata(served: Served, versions: Sequence[Served]) -> Json:
    """What a version of the model takes and gives, and which `versions` answer."""
    inputs, outputs = (_tensors(schema) for schema in (served.inputs, served.outputs))
    named = {"name": served.name, "versions": [str(one.version) for one in versions], "platform": _PLATFORM}
    return named | {"inputs": inputs, "outputs": outputs}


def _tensors(schema: Schema) -> list[Json]:
    return [{"name": f.name, "datatype": datatype(f), "shape": [-1, *f.shape]} for f in schema.fields]


def config(served: Served) -> Json:
    """As Triton describes a model: with the most rows of a shared batch where it is row-wise, which the shapes then
    leave out; others take any number of rows, as their shapes say. One that yields is decoupled."""
    shares = served.predictor.row_wise
    inputs, outputs = (_configured(schema, [] if shares else [-1]) for schema in (served.inputs, served.outputs))
    found: Json = {"name": served.name, "platform": _PLATFORM, "backend": "python"}
    found |= {"version_policy": {"specific": {"versions": [served.version]}}}
    found |= {"max_batch_size": MOST_ROWS if shares else 0, "input": inputs, "output": outputs}
    found |= {"dynamic_batching": {}} if shares else {}
    return found | {"model_transaction_policy": {"decoupled": served.predictor.yields}}


def _configured(schema: Schema, rows: list[int]) -> list[Json]:
    # Triton has no shape without a length: a single value of each row is one of length 1
    kinds = {field.name: datatype(field).replace("BYTES", "STRING") for field in schema.fields}
    return [
        {"name": f.name, "data_type": f"TYPE_{kinds[f.name]}", "dims": [*rows, *f.shape] or [1]} for f in schema.fields
    ]


def statistics(name: str, versions: Mapping[int, Figures]) -> Json:
    """What all processes of the deployment have counted of each version since it answers."""
    return {"model_stats": [_counted(name, version, figures) for version, figures in versions.items()]}


def _counted(name: str, version: int, figures: Figures) -> Json:
    """As Triton tells it; the time of what failed is not known."""
    none = {"count": 0, "ns": 0}
    counted: Json = {
        name: {"count": figures.answered, "ns": round(figures.seconds(stage) * _NS)} for name, stage in _STAGES.items()
    }
    counted |= {"fail": {"count": figures.failures, "ns": 0}, "cache_hit": none, "cache_miss": none}
    model: Json = {"name": name, "version": str(version), "last_inference": round(figures.last * 1000)}
    model |= {"inference_count": figures.rows, "execution_count": figures.calls}
    return model | {"inference_stats": counted, "batch_stats": []}


def index(versions: Sequence[Served], *, ready: bool, only_ready: bool) -> list[Json]:
    """The versions of the model that answers here, alone in its repository."""
    state, reason = ("READY", "") if ready else ("UNAVAILABLE", "it answers what came, and ends")
    if only_ready and not ready:
        return []
    return [{"name": one.name, "version": str(one.version), "state": state, "reason": reason} for one in versions]


def load(name: str, said: Any, served: Served) -> Json:
    """What answers here is loaded; nothing changes. Refused for another model, or to be loaded otherwise."""
    check_served(name, served)
    parameters = said.get("parameters") if type(said) is dict else None
    if type(parameters) is dict and any(key == "config" or key.startswith("file:") for key in parameters):
        fix = "capture a version with other parts, `%%model`, and `%workbench promote` it"
        raise Refused(f"{served.ref} is loaded as it was proven, with no other config or files", fix=fix)
    return {"name": name, "load": True}


def refuse_unload(name: str, served: Served, deployment: str) -> NoReturn:
    """Refused: a service answers with its model until it is stopped."""
    check_served(name, served)
    what = f"{deployment} is there for {name} alone, which stays loaded while it runs"
    raise Refused(what, fix=f"%workbench stop {deployment} ends it; %workbench promote swaps the version")


def check_served(name: str, served: Served) -> None:
    """Refused with 404 for another model."""
    if name != served.name:
        what, fix = f"Request for unknown model: {name!r} is not found", f"{served.name} answers here"
        raise Refused(what, fix=fix, status=404)
