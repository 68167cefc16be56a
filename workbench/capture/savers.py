"""Objects that have a format of their own -> a file in it, one entry per kind; `inference/formats.py` reads them.

A new kind is an entry here, by the path of its class, and a reader there, by the ending of its file.
"""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .texts import attribute

_SESSION_OPTIONS = (
    *("graph_optimization_level", "execution_mode", "intra_op_num_threads", "inter_op_num_threads"),
    *("enable_cpu_mem_arena", "enable_mem_pattern", "enable_mem_reuse", "use_deterministic_compute"),
)

ONNX_MODEL = "model.onnx"
"""The network in the folder of one that has files beside it."""


@dataclass(frozen=True)
class Saver:
    """`save(value, place)` writes the value and gives what the reader needs beside the file, which is pickled; None
    where the format does not hold this value, which is then pickled itself."""

    ending: str
    save: Callable[[Any, Path], tuple[object, ...] | None]


def _save_xgboost(booster: Any, place: Path) -> tuple[object, ...]:
    booster.save_model(place)
    return type(booster), {key: value for key, value in vars(booster).items() if key != "handle"}


def _save_lightgbm(booster: Any, place: Path) -> tuple[object, ...] | None:
    state = booster.__getstate__()
    text = state.pop("_handle", None)
    if not isinstance(text, str):
        return None
    place.write_bytes(text.encode())
    return type(booster), state


def _save_catboost(model: Any, place: Path) -> tuple[object, ...] | None:
    if not model.is_fitted():
        return None
    model.save_model(str(place), format="cbm")
    return type(model), {key: value for key, value in vars(model).items() if key != "_object"}


def _save_onnx(session: Any, place: Path) -> tuple[object, ...]:
    content, file = session._model_bytes, session._model_path
    if content is None and not (file and Path(file).is_file()):
        raise ValueError(f"its file {file} is not there any more")
    _write_onnx(Path(file).read_bytes() if content is None else content, Path(file or "").parent, place)
    options = {name: getattr(session.get_session_options(), name) for name in _SESSION_OPTIONS}
    return session.get_providers(), {name: getattr(value, "name", value) for name, value in options.items()}


def _write_onnx(content: bytes, folder: Path, place: Path) -> None:
    """One file; or a folder of the network and of the files in which it keeps its weights, as it names them."""
    beside = [name for name in external_files(content) if (folder / name).is_file()]
    if beside:
        place.mkdir()
    for name in beside:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, place / name)
    (place / ONNX_MODEL if beside else place).write_bytes(content)


def external_files(network: bytes) -> list[str]:
    """The files that an ONNX network names as those of its weights, which lie beside its own."""
    found = (
        network[m.end() : m.end() + m.group(1)[0]] for m in re.finditer(rb"\n\x08location\x12([\x01-\x7f])", network)
    )
    return sorted({name.decode("utf-8", "replace") for name in found})


def _save_torchscript(module: Any, place: Path) -> tuple[object, ...]:
    module.save(str(place))
    return ()


def _save_keras(model: Any, place: Path) -> tuple[object, ...]:
    model.save(place)
    kinds = {type(layer) for layer in (model, *model._flatten_layers())}
    own = {kind.__name__: kind for kind in kinds if not kind.__module__.startswith("keras.")}
    tensor = type(model.variables[0].value) if model.variables else None  # its package is required as well
    return sys.modules["keras"].backend.backend(), own, tensor


def _save_spacy(pipeline: Any, place: Path) -> tuple[object, ...]:
    pipeline.to_disk(place)
    return ()


def _save_to_disk(value: Any, place: Path) -> tuple[object, ...] | None:
    kind = type(value)
    if not inspect.ismethod(kind.from_disk):
        try:
            kind()
        except TypeError:  # the reader could not make an empty one either
            return None
    value.to_disk(place)
    return (kind,)


SAVERS = {
    "xgboost.core.Booster": Saver(".ubj", _save_xgboost),
    "lightgbm.basic.Booster": Saver(".lightgbm", _save_lightgbm),
    "catboost.core.CatBoost": Saver(".cbm", _save_catboost),
    "onnxruntime.capi.onnxruntime_inference_collection.InferenceSession": Saver(".onnx", _save_onnx),
    "keras.src.models.model.Model": Saver(".keras", _save_keras),
    "spacy.language.Language": Saver(".spacy", _save_spacy),
    "torch.jit._script.ScriptModule": Saver(".torchscript", _save_torchscript),
}
_TO_DISK = Saver(".disk", _save_to_disk)


def saver_of(kind: Any) -> Saver | None:
    """How objects of this class are saved other than by pickle: by the entry of the class or of one that it inherits
    from, or by `to_disk` of a class that has `from_disk` as well."""
    for base in kind.__mro__:
        if found := SAVERS.get(f"{base.__module__}.{base.__qualname__}"):
            return found
    own_format = callable(attribute(kind, "to_disk")) and callable(attribute(kind, "from_disk"))
    return _TO_DISK if own_format else None


def mentioned(value: Any) -> dict[str, list[Any]]:
    """The names that an object will look up in the frames around it when it is read: those in the formula of a
    statsmodels model that are no columns of its data, `bought ~ half(age) + np.log(spend) + I(age > CUT)`; and to
    what each was bound when the model was made, where it keeps that."""
    if not type(value).__module__.startswith("statsmodels."):
        return {}
    held = vars(value) if hasattr(value, "__dict__") else {}
    formula = held.get("formula")
    if not isinstance(formula, str):
        return {}
    data = held.get("data", value)
    columns = set(getattr(getattr(data, "frame", None), "columns", ()))
    plain = re.sub(r"\"[^\"]*\"|'[^']*'", "", formula)
    names = set(re.findall(r"(?<![\w.])[^\W\d]\w*", plain)) - columns
    kept = [space for factor in _factors(data) for space in _spaces(factor)]
    return {name: [space[name] for space in kept if name in space] for name in names}


def _factors(data: Any) -> list[Any]:
    """The parts of a formula as patsy has them; statsmodels 0.15 names what holds them otherwise than those before."""
    spec = attribute(data, "model_spec") or attribute(data, "design_info")
    return list((attribute(spec, "factor_infos") or {}).values())


def _spaces(factor: Any) -> list[dict[str, Any]]:
    state = attribute(factor, "state")
    return list(attribute(state.get("eval_env"), "_namespaces", ())) if isinstance(state, dict) else []
