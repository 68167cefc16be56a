"""A service over gRPC, asked by Triton's client, by gRPC's own for health and reflection, and by messages made by hand."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pandas as pd
import pytest
from async_models import AGES, Polite, each_row
from customer_models import CUSTOMERS, array_model, frame_model
from environments import environment
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import Parse
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_parts import SERVICE, Asking, columns, request, tensors_of
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from ports import free_port
from serving_parts import NUMBERS as ROWS
from serving_parts import Moody, client, unhurried
from waiting import PATIENCE, until

from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError
from workbench.patterns.serving.grpc.messages import message

NUMBERS = np.array([[0.1, 1.5, 2.25], [1e-7, 0.3, 0.0], [4.0, 5.5, -0.2]])
HEALTH = "/grpc.health.v1.Health"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("churn", frame_model, example=CUSTOMERS)
    workbench.model("sums", array_model, example=NUMBERS)
    yield workbench
    workbench.shutdown(all=True)


@pytest.fixture(scope="module")
def service(api: Workbench) -> Any:
    return api.serve("churn", grpc=True, max_body=1)


@pytest.fixture
def ask(service: Any) -> Iterator[Asking]:
    with Asking(service) as asking:
        yield asking


@pytest.fixture(scope="module")
def expected(api: Workbench) -> dict[str, list[Any]]:
    answered = api.predict("churn", CUSTOMERS.assign(city=CUSTOMERS.city.fillna("")))
    return {name: answered[name].tolist() for name in ("score", "label", "months")}


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with Triton's client, which holds protobuf back."""
    return environment(tmp_path_factory.mktemp("triton") / "env", "tritonclient[grpc]")


def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def test_tritons_client_is_answered(api: Workbench, service: Any, triton: Path, expected: Any) -> None:
    api.model("yields", each_row, example=AGES)
    yields = api.serve("yields", grpc=True)
    command = [triton, Path(__file__).with_name("triton_calls.py")]
    command += [service.grpc, str(service.token), yields.grpc, str(yields.token)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert all(said[name] is True for name in ("live", "ready", "model", "version"))
    assert said["server"] == "workbench"
    assert [column["name"] for column in said["metadata"]["inputs"]] == list(CUSTOMERS)
    assert said["config"]["name"] == "churn"
    assert said["index"] == [{"name": "churn", "version": "1", "state": "READY"}]
    right = {name: values[:2] for name, values in expected.items()}
    assert said["infer"] == said["gzip"] == said["async"] == right
    assert said["some"] == ["17", ["months"]]
    first, wrong, last = said["stream"]
    assert (first, last) == (right | {"id": "churn"},) * 2
    assert wrong.startswith("Request for unknown model")
    assert said["parts"] == [["first", [2.0], False], ["first", [4.0], True], ["second", [6.0], True]]
    assert int(said["statistics"][0]["inference_count"]) >= 8
    assert said["unknown"][0] == "StatusCode.NOT_FOUND"
    assert said["stranger"][0] == "StatusCode.UNAUTHENTICATED"
    assert said["wrong"][0] == "StatusCode.INVALID_ARGUMENT"
    assert "city" in said["wrong"][1]
    assert said["unload"][0] == said["otherwise"][0] == "StatusCode.INVALID_ARGUMENT"
    assert "stays loaded" in said["unload"][1]


@pytest.mark.parametrize("raw", [True, False])
def test_the_answer_has_the_form_of_the_request(ask: Asking, expected: Any, raw: bool) -> None:
    answer, told = ask.told("ModelInfer", request(tensors_of(CUSTOMERS), raw=raw, id="7"))
    assert columns(answer) == expected
    assert bool(answer.raw_output_contents) == raw
    assert any(output.HasField("contents") for output in answer.outputs) != raw
    assert (answer.model_name, answer.model_version, answer.id) == ("churn", "1", "7")
    assert {key: told[key] for key in told if key.startswith("x-")} == {
        "x-workbench-model": "churn",
        "x-workbench-version": "1",
    }
    none = ask.infer(request(tensors_of(CUSTOMERS[:0]), raw=raw))
    assert [(o.name, o.datatype, list(o.shape)) for o in none.outputs] == [
        (o.name, o.datatype, [0]) for o in answer.outputs
    ]
    some = request(tensors_of(CUSTOMERS), raw=raw, outputs=[{"name": "months"}])
    assert columns(ask.infer(some)) == {"months": expected["months"]}
    for found in (named := request(tensors_of(CUSTOMERS), raw=raw)).inputs:
        found.parameters["content_type"].string_param = "str" if found.datatype == "BYTES" else "np"
    named.parameters["content_type"].string_param = "pd"
    answer = ask.infer(named)
    assert answer.parameters["content_type"].string_param == "pd"
    assert [output.parameters["content_type"].string_param for output in answer.outputs] == ["np", "str", "np"]


WRONG: dict[str, tuple[Any, grpc.StatusCode, str]] = {
    "no inputs": (lambda: request([], raw=False), grpc.StatusCode.INVALID_ARGUMENT, "no inputs"),
    "another model": (
        lambda: request(tensors_of(CUSTOMERS), raw=True, model="other"),
        grpc.StatusCode.NOT_FOUND,
        "Request for unknown model",
    ),
    "another version": (
        lambda: request(tensors_of(CUSTOMERS), raw=True, model_version="9"),
        grpc.StatusCode.NOT_FOUND,
        "version 9",
    ),
    "another output": (
        lambda: request(tensors_of(CUSTOMERS), raw=True, outputs=[{"name": "sum"}]),
        grpc.StatusCode.INVALID_ARGUMENT,
        "no output 'sum'",
    ),
    "another shape": (
        lambda: request([("age", "INT64", [3], [1, 2])], raw=False),
        grpc.StatusCode.INVALID_ARGUMENT,
        "2 values",
    ),
    "another size": (
        lambda: request([("age", "INT64", [2], b"1234567")], raw=True),
        grpc.StatusCode.INVALID_ARGUMENT,
        "7 bytes",
    ),
    "another datatype": (
        lambda: _of_kind("FP16"),
        grpc.StatusCode.INVALID_ARGUMENT,
        "FP16 has no contents",
    ),
    "no datatype": (lambda: _of_kind("INT63"), grpc.StatusCode.INVALID_ARGUMENT, "INT63 is not known"),
    "another content type": (
        lambda: request(tensors_of(CUSTOMERS), raw=True, parameters={"content_type": {"string_param": "xml"}}),
        grpc.StatusCode.INVALID_ARGUMENT,
        "'xml' of the request is not known",
    ),
    "raw and typed": (lambda: _both(), grpc.StatusCode.INVALID_ARGUMENT, "contents field must not be specified"),
    "a row that does not fit": (
        lambda: request(tensors_of(CUSTOMERS.assign(age=["x", *[1] * 5])), raw=True),
        grpc.StatusCode.INVALID_ARGUMENT,
        "column 'age', row 0",
    ),
}


def _of_kind(kind: str) -> Any:
    made = request([("age", "INT64", [1], [1])], raw=False)
    made.inputs[0].datatype = kind
    return made


def _both() -> Any:
    made = request([("age", "INT64", [1], [1])], raw=False)
    made.raw_input_contents.append(bytes(8))
    return made


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_a_status(ask: Asking, name: str) -> None:
    make, code, said = WRONG[name]
    found, details = refused(lambda: ask.infer(make()))
    assert found == code, details
    assert said in details
    assert "\n→ " in details


def test_bytes_that_are_no_message(ask: Asking) -> None:
    asked = ask.channel.unary_unary(f"/{SERVICE}/ModelInfer")
    assert refused(lambda: asked(b"\xff\xff", metadata=ask.metadata))[0] == grpc.StatusCode.INVALID_ARGUMENT


def test_a_method_that_is_not_there(ask: Asking) -> None:
    asked = ask.channel.unary_unary(f"/{SERVICE}/SystemSharedMemoryStatus")
    assert refused(lambda: asked(b"", metadata=ask.metadata))[0] == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_that_is_too_large(service: Any, compression: Any) -> None:
    with Asking(service) as asking:
        asked = asking.channel.unary_unary(f"/{SERVICE}/ModelInfer")
        code, details = refused(lambda: asked(bytes(1_100_000), metadata=asking.metadata, compression=compression))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in details


def test_who_has_no_token_learns_only_that_it_is_well(service: Any) -> None:
    with Asking(service) as asking:
        for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", str(service.token)),)):
            assert asking.call("ServerLive", metadata=metadata).live
            assert asking.call("ServerReady", metadata=metadata).ready
            assert asking.call("ModelReady", metadata=metadata, name="churn").ready
            for method in ("ServerMetadata", "ModelMetadata", "ModelConfig", "ModelStatistics", "RepositoryIndex"):
                code, details = refused(lambda method=method, given=metadata: asking.call(method, metadata=given))
                assert code == grpc.StatusCode.UNAUTHENTICATED, details
            streamed = asking.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")(iter(()), metadata=metadata)
            assert refused(lambda streamed=streamed: next(streamed))[0] == grpc.StatusCode.UNAUTHENTICATED
    assert refused(lambda: Asking(service).call("ModelReady", name="other"))[0] == grpc.StatusCode.NOT_FOUND


def test_grpcs_own_client_for_health(service: Any) -> None:
    """Its messages are sent by hand: the module of their calls is made for other releases of grpcio."""
    serving, told = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.FromString
    with grpc.insecure_channel(service.grpc) as channel:
        check = channel.unary_unary(f"{HEALTH}/Check")
        for name in ("", SERVICE, "grpc.health.v1.Health"):
            asked = health_pb2.HealthCheckRequest(service=name).SerializeToString()
            assert told(check(asked)).status == serving
        unknown = health_pb2.HealthCheckRequest(service="other").SerializeToString()
        assert refused(lambda: check(unknown))[0] == grpc.StatusCode.NOT_FOUND
        listed = health_pb2.HealthListResponse.FromString(channel.unary_unary(f"{HEALTH}/List")(b"")).statuses
        assert {name: listed[name].status for name in ("", SERVICE)} == {"": serving, SERVICE: serving}
        watch = channel.unary_stream(f"{HEALTH}/Watch")
        watching = watch(b"")
        assert told(next(watching)).status == serving
        watching.cancel()
        assert told(next(watch(unknown))).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Letting:
    """A channel that sends the token with every stream, as grpcurl does by a flag."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    def stream_stream(self, method: str, **how: Any) -> Any:
        asked = self.asking.channel.stream_stream(method, **how)
        return lambda sent: asked(sent, metadata=self.asking.metadata)


def test_reflection_tells_what_is_spoken(ask: Asking, expected: Any) -> None:
    """As grpcurl does: no file of the protocol is known, and yet a call can be made."""
    there = ProtoReflectionDescriptorDatabase(Letting(ask))
    assert SERVICE in there.get_services()
    pool = DescriptorPool(there)
    service = pool.FindServiceByName(SERVICE)
    assert service.methods_by_name["ModelStreamInfer"].server_streaming
    asked = GetMessageClass(service.methods_by_name["ModelInfer"].input_type)()
    asked.ParseFromString(request(tensors_of(CUSTOMERS), raw=True).SerializeToString())
    assert columns(ask.infer(asked)) == expected
    assert there.FindFileContainingSymbol(f"{SERVICE}.ModelInfer").name == "open_inference_grpc.proto"
    with pytest.raises(KeyError):
        there.FindFileContainingSymbol("inference.Nothing")


def test_reflection_is_spoken_in_both_versions(ask: Asking) -> None:
    for package in ("grpc.reflection.v1", "grpc.reflection.v1alpha"):
        asked = message(f"{package}.ServerReflectionRequest")
        sent = [asked(list_services=""), asked(all_extension_numbers_of_type="inference.ModelConfig"), asked()]
        call = ask.channel.stream_stream(f"/{package}.ServerReflection/ServerReflectionInfo")
        answers = call(iter([one.SerializeToString() for one in sent]), metadata=ask.metadata)
        said = [message(f"{package}.ServerReflectionResponse").FromString(answer) for answer in answers]
        assert [service.name for service in said[0].list_services_response.service][:2] == [
            SERVICE,
            "grpc.health.v1.Health",
        ]
        assert said[1].all_extension_numbers_response.base_type_name == "inference.ModelConfig"
        assert said[2].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


def test_a_model_of_one_array(api: Workbench) -> None:
    service = api.serve("sums", grpc=True, no_token=True)
    right = array_model(NUMBERS).tolist()
    with Asking(service) as asking:
        for raw in (True, False):
            sent = request([("x", "FP64", [3, 3], NUMBERS.ravel().tolist())], raw=raw, model="sums")
            assert columns(asking.infer(sent)) == {"prediction": right}
        half = NUMBERS.astype("f2")
        answer = asking.infer(request([("x", "FP16", [3, 3], half)], raw=True, model="sums"))
        assert columns(answer) == {"prediction": array_model(half.astype(float)).tolist()}
    api.stop("service/sums")


def test_its_calls_count_among_the_figures(service: Any, ask: Asking) -> None:
    before = service.refresh().to_json()["figures"]
    ask.infer(request(tensors_of(CUSTOMERS), raw=True))
    refused(lambda: ask.infer(request([], raw=False)))
    ask.call("ServerLive")
    added = {"requests": 2, "refused": 1, "rows": len(CUSTOMERS)}
    now = lambda: service.refresh().to_json()["figures"]  # noqa: E731
    until(lambda: {name: now()[name] - before[name] for name in added} == added)
    with client(service) as asking:
        assert "model_infer_request_success" in asking.get("/metrics").text


def test_the_card_says_where_it_answers(service: Any, api: Workbench) -> None:
    assert f"grpc {service.grpc}" in str(service)
    assert service.grpc.startswith("127.0.0.1:")
    assert "grpc yes" in str(api.serve("sums", grpc=True, dry_run=True))
    plain = api.serve("sums", name="plain")
    assert "grpc" not in str(plain)
    assert plain.grpc == ""
    api.stop("service/plain")


def test_it_is_turned_on_and_off_at_the_port_that_is_asked_for(api: Workbench) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(JobFailed, match=f"port {port}"):
        api.serve("sums", grpc=port, name="turned")
    on = api.serve("sums", grpc=port, name="turned")
    assert on.grpc == f"127.0.0.1:{port}"
    with Asking(on) as asking:
        assert asking.call("ServerLive").live
    assert "unchanged" in str(api.serve("sums", grpc=True, name="turned"))
    with pytest.raises(JobFailed, match=f"port {port} of 127.0.0.1 cannot be had"):
        api.serve("sums", grpc=port, name="second")
    off = api.serve("sums", name="turned")
    assert off.grpc == ""
    assert off.url == on.url
    until(lambda: _is_free(port))
    api.stop("service/turned")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_the_page_shows_how_to_ask(service: Any, ask: Asking) -> None:
    with client(service) as looking:
        page = html.unescape(looking.get("/").text)
    assert f"<code>{service.grpc}</code>" in page
    found = re.search(r"grpcurl -plaintext [^<]*", page)
    assert found
    words = shlex.split(found[0])
    assert words[-2:] == [service.grpc, f"{SERVICE}/ModelInfer"]
    asked = Parse(words[words.index("-d") + 1], message("inference.ModelInferRequest")())
    assert len(ask.infer(asked).outputs) == 3


def test_without_grpcio_it_is_refused_in_words(api: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"grpc": None}
    monkeypatch.setattr("workbench.operations.deploy.find_spec", lambda name: found.get(name, find_spec(name)))
    with pytest.raises(UsageError, match="needs grpcio") as caught:
        api.serve("sums", grpc=True)
    assert "pip install 'deployment-workbench[grpc]'" in str(caught.value)


@pytest.fixture
def moody(api: Workbench, tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "gate").touch()
    api.model("moody", Moody(str(tmp_path)).predict, example=pd.DataFrame({"age": [1, 2, 3]}))
    yield api.serve("moody", grpc=True, max_queue=3)
    (tmp_path / "gate").unlink(missing_ok=True)
    api.stop("service/moody")


def age(*ages: int) -> Any:
    return request([("age", "INT64", [len(ages)], list(ages))], raw=True, model="moody")


def test_a_model_that_fails_waits_and_is_asked_too_much(moody: Any, tmp_path: Path, api: Workbench) -> None:
    with Asking(moody) as asking:
        slow = threading.Thread(target=lambda: asking.infer(age(77)))
        slow.start()
        until((tmp_path / "inside").exists)
        own = (*asking.metadata, ("x-request-timeout", "0.1"))
        code, details = refused(lambda: asking.infer(age(1), metadata=own))
        assert (code, "in time" in details) == (grpc.StatusCode.DEADLINE_EXCEEDED, True)
        assert refused(lambda: asking.infer(age(1), timeout=0.2))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
        brief = age(1)
        brief.parameters["timeout"].int64_param = 100_000
        assert refused(lambda: asking.infer(brief))[0] == grpc.StatusCode.DEADLINE_EXCEEDED
        brief.parameters["timeout"].string_param = "soon"
        assert refused(lambda: asking.infer(brief))[0] == grpc.StatusCode.INVALID_ARGUMENT
        infer, sent = asking.channel.unary_unary(f"/{SERVICE}/ModelInfer"), age(2).SerializeToString()
        waiting: list[Any] = []  # beside those that are too late, until they are found to be
        while moody.refresh().to_json()["figures"]["waiting"] < 3:
            waiting.append(infer.future(sent, metadata=asking.metadata))
        code, details = refused(lambda: asking.infer(age(1)))
        assert (code, "wait already" in details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
        assert asking.call("ServerLive", metadata=()).live
        (tmp_path / "gate").unlink()
        assert any(waited.exception(timeout=PATIENCE) is None for waited in waiting)
        slow.join()
        code, details = refused(lambda: asking.infer(age(13)))
        assert (code, "thirteen" in details) == (grpc.StatusCode.INTERNAL, True)
        until(lambda: "thirteen" in "\n".join(api.logs("service/moody")))


def test_calls_that_come_while_the_model_works_share_its_next_call(api: Workbench) -> None:
    api.model("unhurried", unhurried, example=ROWS, row_wise="yes")
    service = api.serve("unhurried", grpc=True)
    sent = request(
        [("a", "FP64", [1], [21.0]), ("b", "FP64", [1], [0.0])], raw=True, model="unhurried"
    ).SerializeToString()
    with Asking(service) as asking:
        infer = asking.channel.unary_unary(f"/{SERVICE}/ModelInfer")
        for _ in range(3):
            calls = [infer.future(sent, metadata=asking.metadata) for _ in range(100)]
            for call in calls:
                answer = message("inference.ModelInferResponse").FromString(call.result(timeout=PATIENCE))
                assert columns(answer) == {"prediction": [42.0]}
        (seen,) = asking.call("ModelStatistics", name="unhurried").model_stats
    assert seen.inference_count >= 300
    assert seen.execution_count < 150
    api.stop("service/unhurried")


def test_a_stream_answers_in_order_and_shares_batches(service: Any, expected: Any) -> None:
    many, sent = 200, request(tensors_of(CUSTOMERS), raw=True).SerializeToString()
    before = service.refresh().to_json()["figures"]
    with Asking(service) as asking:
        call = asking.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")
        answers = list(call(iter([sent] * many), metadata=asking.metadata, timeout=PATIENCE))
    read = message("inference.ModelStreamInferResponse").FromString
    assert len(answers) == many
    for answer in map(read, answers):
        assert columns(answer.infer_response) == expected
        assert answer.infer_response.parameters["triton_final_response"].bool_param
    until(lambda: service.refresh().to_json()["figures"]["requests"] - before["requests"] == many)


def test_a_model_that_yields_answers_part_by_part(api: Workbench, tmp_path: Path) -> None:
    api.model("ages", Polite(str(tmp_path)), example=AGES)
    service, gate, left = api.serve("ages", grpc=True), tmp_path / "gate", tmp_path / "left"
    gate.touch()
    read = message("inference.ModelStreamInferResponse").FromString
    ages = [
        request([("age", "FP64", [3], [1.0, value, 3.0])], raw=True, model="ages", id=name).SerializeToString()
        for name, value in (("a", 2.0), ("b", 20.0))
    ]
    with Asking(service) as asking:
        stream = asking.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")
        came = map(read, stream(iter(ages), metadata=asking.metadata, timeout=PATIENCE))
        first = next(came)
        assert columns(first.infer_response) == {"prediction": [2.0]}
        one = request([("age", "FP64", [1], [5.0])], raw=True, model="ages")
        assert columns(asking.infer(one)) == {"prediction": [10.0]}, "while the stream is open"
        left.unlink()
        leaving = stream(iter(ages), metadata=asking.metadata)
        assert read(next(leaving)).infer_response.id == "a"
        leaving.cancel()
        until(left.exists)
        gate.unlink()
        answers = [answer.infer_response for answer in (first, *came)]
        assert [answer.id for answer in answers] == ["a"] * 3 + ["b"] * 3
        assert [columns(answer)["prediction"][0] for answer in answers] == [2.0, 4.0, 6.0, 2.0, 40.0, 6.0]
        last = [answer.parameters["triton_final_response"].bool_param for answer in answers]
        assert last == [False, False, True] * 2
        wrong = request([("years", "FP64", [1], [5.0])], raw=True, model="ages", id="c").SerializeToString()
        (said,) = map(read, stream(iter([wrong]), metadata=asking.metadata, timeout=PATIENCE))
        assert ("age" in said.error_message, said.infer_response.id) == (True, "c")
        assert asking.call("ModelConfig", name="ages").config.model_transaction_policy.decoupled
    until(
        lambda: service.refresh().to_json()["figures"]["requests"] == 5, "each once; who left before its turn is none"
    )


def test_it_speaks_tls_where_the_service_does(api: Workbench, tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*made.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    service = api.serve("sums", grpc=True, name="secret", tls_cert=str(cert), tls_key=str(key))
    sent = request([("x", "FP64", [3, 3], NUMBERS.ravel().tolist())], raw=True, model="sums")
    with Asking(service, credentials=grpc.ssl_channel_credentials(cert.read_bytes())) as asking:
        assert columns(asking.infer(sent)) == {"prediction": array_model(NUMBERS).tolist()}
        api.restart("service/secret")
        assert columns(asking.infer(sent)) == {"prediction": array_model(NUMBERS).tolist()}
        (worker,) = service.refresh().facts["workers"]
        os.kill(worker, signal.SIGSTOP)
        until(lambda: service.refresh().state == "blocked")
        until(lambda: "was stopped" in _refusal(asking, sent))  # not by the one before, which answers what it has
        os.kill(worker, signal.SIGCONT)
        until(lambda: not _refusal(asking, sent))
    with Asking(service) as asking:
        assert refused(lambda: asking.infer(sent))[0] == grpc.StatusCode.UNAVAILABLE
    api.stop("service/secret")


def _refusal(asking: Asking, sent: Any) -> str:
    """Why a message was not answered; nothing where it was."""
    try:
        asking.infer(sent)
    except grpc.RpcError as error:
        return str(error.details())
    return ""


def test_calls_are_in_the_request_log_with_who_asked(api: Workbench) -> None:
    service = api.serve("churn", grpc=True, name="logged", log_requests=True)
    named = str(api.token("service/logged", new="nightly"))
    with Asking(service) as asking:
        own = (*asking.metadata, ("x-request-id", "mine"))
        assert (
            asking.told("ModelInfer", request(tensors_of(CUSTOMERS), raw=True), metadata=own)[1]["x-request-id"]
            == "mine"
        )
        until(lambda: _let_in(asking, named))
        wrong = request(tensors_of(CUSTOMERS.assign(age=["x"] * 6)), raw=True)
        with pytest.raises(grpc.RpcError) as caught:
            asking.infer(wrong)
        assert dict(caught.value.trailing_metadata())["x-request-id"]
    log = api.requests("service/logged")
    assert log["request"].tolist()[:6] == ["mine"] * 6
    assert log["city"].tolist()[:2] == ["Köln", ""]
    assert log["status"].tolist()[-1] == 400
    assert "nightly" in log.to_string()
    api.stop("service/logged")


def _let_in(asking: Asking, token: str) -> bool:
    try:
        asking.infer(request(tensors_of(CUSTOMERS), raw=False), metadata=(("authorization", f"Bearer {token}"),))
    except grpc.RpcError:
        return False
    return True
