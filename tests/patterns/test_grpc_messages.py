"""The messages of gRPC are those of the protocol's own files, and are in nobody's way."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from environments import environment
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import workbench
from workbench.patterns.serving.grpc import messages
from workbench.patterns.serving.grpc.messages import message, pool, services

OURS = "from workbench.patterns.serving.grpc.messages import message, pool"
THEIRS = {
    "tritonclient": "from tritonclient.grpc import service_pb2 as theirs",
    "kserve": "theirs = module('kserve/protocol/grpc/grpc_predict_v2_pb2.py')",
    "mlserver": "theirs = module('mlserver/grpc/dataplane_pb2.py')",
}
MODULE = """
import importlib.util, sysconfig, warnings
warnings.simplefilter("ignore")  # of theirs, about releases of protobuf
def module(path):
    spec = importlib.util.spec_from_file_location("theirs", sysconfig.get_path("purelib") + "/" + path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
"""
PASS = """
made = message("inference.ModelInferRequest")(model_name="m", id="7", raw_input_contents=[b"12345678"])
made.inputs.add(name="x", datatype="FP64", shape=[1])
made.parameters["a"].int64_param = 3
there = theirs.ModelInferRequest.FromString(made.SerializeToString())
assert there.inputs[0].shape[0] == 1 and there.parameters["a"].int64_param == 3
assert message("inference.ModelInferRequest").FromString(there.SerializeToString()) == made
"""
AGREE = """
def of(found):
    return {f.name: (f.number, f.type, f.is_repeated, f.message_type and f.message_type.full_name) for f in found.fields}
def agree(ours):
    assert of(ours).items() <= of(theirs.DESCRIPTOR.pool.FindMessageTypeByName(ours.full_name)).items(), ours.full_name
    for nested in ours.nested_types:
        agree(nested)
file = pool().FindFileByName("open_inference_grpc.proto")
for one in file.message_types_by_name.values():
    agree(one)
kinds = file.enum_types_by_name["DataType"], theirs.DESCRIPTOR.pool.FindEnumTypeByName("inference.DataType")
ours, known = ({value.name: value.number for value in kind.values} for kind in kinds)
assert ours == known
there = theirs.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name
for name, method in file.services_by_name["GRPCInferenceService"].methods_by_name.items():
    assert method.input_type.full_name == there[name].input_type.full_name
    assert method.output_type.full_name == there[name].output_type.full_name
    assert (method.client_streaming, method.server_streaming) == (there[name].client_streaming, there[name].server_streaming)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with those whose messages have the same names."""
    packages = ("tritonclient[grpc]", "kserve --no-deps", "mlserver --no-deps")
    return environment(tmp_path_factory.mktemp("theirs") / "env", *packages)


def run(python: Path, *code: str) -> None:
    env = {"PYTHONPATH": str(Path(workbench.__file__).parents[1])}
    done = subprocess.run([python, "-c", "\n".join(code)], env=env, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize("name", THEIRS)
def test_workbench_and_others_are_imported_in_one_process(python: Path, name: str) -> None:
    run(python, MODULE, OURS, THEIRS[name], PASS)
    run(python, MODULE, THEIRS[name], OURS, PASS)


def test_tritons_own_file_agrees(python: Path) -> None:
    run(python, THEIRS["tritonclient"], OURS, AGREE)


@pytest.mark.parametrize("theirs", [health_pb2, reflection_pb2], ids=["health", "reflection"])
def test_grpcs_own_files_agree(theirs: Any) -> None:
    for there in theirs.DESCRIPTOR.message_types_by_name.values():
        ours = pool().FindMessageTypeByName(there.full_name)
        assert {f.name: (f.number, f.type) for f in ours.fields} == {f.name: (f.number, f.type) for f in there.fields}


def test_nothing_of_it_is_in_protobufs_own_pool() -> None:
    message("inference.ModelInferRequest")
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("inference.ModelInferRequest")


def test_types_are_named_in_full_as_protoc_writes_them() -> None:
    file = messages.file("open_inference_grpc.proto", messages.FILES["open_inference_grpc.proto"])
    tensor = next(one for one in file.message_type if one.name == "ModelInferRequest").nested_type[0]
    types = {field.name: (field.type, field.type_name) for field in tensor.field}
    assert types["contents"] == (FieldDescriptorProto.TYPE_MESSAGE, ".inference.InferTensorContents")
    assert types["parameters"][1] == ".inference.ModelInferRequest.InferInputTensor.ParametersEntry"
    assert types["shape"] == (FieldDescriptorProto.TYPE_INT64, "")
    assert next(iter(services())) == "inference.GRPCInferenceService"
