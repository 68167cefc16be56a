"""Clients as the internet has them: slow, impatient, old, hostile; HTTPS; tokens by name."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from serving_parts import NUMBERS, WAITS, Moody, afresh, first, headers
from test_serving_patience import in_a_hurry  # noqa: F401 a fixture
from waiting import until

from workbench.api import Workbench
from workbench.errors import NotFound, UsageError

AGES = pd.DataFrame({"age": [1.0, 2.0, 3.0]})
ROW = json.dumps({"a": 1.0, "b": 2.0}).encode()


@pytest.fixture
def service(api: Workbench) -> Any:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    return api.serve("churn")


@pytest.fixture
def moody(api: Workbench, tmp_path: Path) -> Iterator[Any]:
    """A model that is slow enough to be asked in its thread; it hangs at one age while the gate is closed."""
    (tmp_path / "gate").touch()
    api.model("moody", Moody(str(tmp_path)), example=AGES, row_wise="yes")
    yield api.serve("moody", timeout=2)
    (tmp_path / "gate").unlink(missing_ok=True)


def raw(service: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.facts["port"]), timeout=30)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def head(service: Any, version: str = "1.1", *more: str) -> bytes:
    lines = [f"POST /predict HTTP/{version}", "Host: localhost", f"Authorization: Bearer {service.token}", *more]
    return "\r\n".join([*lines, f"Content-Length: {len(ROW)}", "", ""]).encode()


def slow_rows(moody: Any) -> list[dict[str, float]]:
    """So many that the model's thread is asked."""
    return [{"age": float(WAITS)}] + [{"age": 1.0}] * 600


def test_http_1_0_closes_after_its_answer(service: Any) -> None:
    with raw(service) as connection:
        connection.sendall(head(service, "1.0") + ROW)
        answer = everything(connection)
    assert answer.endswith(b'{"prediction":5.0}')


def test_http_1_1_names_one_host(service: Any) -> None:
    for hosts in ("", 2 * "Host: localhost\r\n"):
        with raw(service) as connection:
            connection.sendall(f"GET /health HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
            assert everything(connection).startswith(b"HTTP/1.1 400")
    with raw(service) as connection:
        connection.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 200")


def test_an_answer_is_the_same_however_it_is_written(service: Any) -> None:
    """At once, or in uvicorn's two messages as for who wants the connection closed."""
    answers = []
    for more in ((), ("Connection: close",)):
        with raw(service) as connection:
            connection.sendall(head(service, "1.1", *more) + ROW)
            said = connection.recv(65536)
            while not said.endswith(b'{"prediction":5.0}'):
                said += connection.recv(65536)
            first_line, *lines = said.replace(b"connection: close\r\n", b"").split(b"\r\n")
            answers.append((first_line, {line for line in lines if not line.startswith(b"date: ")}))
    assert answers[0] == answers[1]
    assert answers[0][0] == b"HTTP/1.1 200 OK"


def test_requests_that_come_at_once_are_answered_in_their_order(service: Any) -> None:
    rows = [json.dumps({"a": float(number), "b": 0.0}).encode().ljust(len(ROW)) for number in range(5)]
    with raw(service) as connection:
        look = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        asked = [head(service) + row for row in rows]
        connection.sendall(
            b"".join([*asked[:3], look, *asked[3:4], head(service, "1.1", "Connection: close") + rows[4]])
        )
        answers = everything(connection)
    expected = [b'{"prediction":0.0}', b'{"prediction":3.0}', b'{"prediction":6.0}', b'{"live":true}']
    expected += [b'{"prediction":9.0}', b'{"prediction":12.0}']
    places = [answers.index(answer) for answer in expected]
    assert places == sorted(places)
    assert answers.count(b"HTTP/1.1 200 OK") == len(expected)


def test_a_connection_that_is_not_used_is_closed(in_a_hurry: None, service: Any) -> None:  # noqa: F811
    with raw(service) as connection:
        connection.sendall(head(service) + ROW)
        assert everything(connection).endswith(b'{"prediction":5.0}')


def test_who_expects_100_is_told_to_go_on(service: Any) -> None:
    with raw(service) as connection:
        connection.sendall(head(service, "1.1", "Expect: 100-continue", "Connection: close"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(ROW)
        assert everything(connection).endswith(b'{"prediction":5.0}')
    waits = head(service, "1.1", "Expect: 100-continue")
    for refused in (waits.replace(b"Bearer ", b"Bearer no"), waits.replace(b"/predict", b"/nowhere")):
        with raw(service) as connection:  # a body may follow then, or the next request: none can know
            connection.sendall(refused)
            answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 40")
        assert b"connection: close" in answer


def test_pipelined_requests_are_answered_in_their_order(service: Any) -> None:
    rows = [json.dumps({"a": float(i), "b": 0.0}).encode() for i in range(30)]
    requests = [
        f"POST /predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n"
        f"Content-Length: {len(row)}\r\n{'Connection: close' if i == 29 else 'X: y'}\r\n\r\n".encode()
        + row
        for i, row in enumerate(rows)
    ]
    with raw(service) as connection:
        connection.sendall(b"".join(requests))
        answer = everything(connection).decode()
    said = [part.partition("}")[0] for part in answer.split('{"prediction":')[1:]]
    assert [float(value) for value in said] == [3.0 * i for i in range(30)]


def test_headers_without_end_are_refused(service: Any) -> None:
    with raw(service) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            connection.sendall(b"".join(f"X-{i}: {'y' * 500}\r\n".encode() for i in range(100_000)))
    with raw(service) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 66_000)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 431")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "the headers are larger than 65536 bytes"


def test_what_is_no_http_is_told_so_in_json(service: Any) -> None:
    with raw(service) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]).keys() == {"error", "fix"}


def test_who_says_nothing_for_long_is_cut_off(in_a_hurry: None, service: Any) -> None:  # noqa: F811
    with raw(service) as silent, raw(service) as halfway, raw(service) as without_body:
        halfway.sendall(b"POST /predict HTTP/1.1\r\nHost: lo")
        without_body.sendall(head(service))
        assert everything(silent).startswith(b"HTTP/1.1 408")
        assert everything(halfway).startswith(b"HTTP/1.1 408")
        with suppress(ConnectionError):  # reset is as good as closed
            assert everything(without_body) == b""
    assert afresh(service, "/predict", json={"a": 1, "b": 2}).status_code == 200


def test_a_deadline_covers_the_queue_and_the_model(moody: Any, tmp_path: Path) -> None:
    answers: list[httpx.Response] = []

    def ask(**more: str) -> None:
        answers.append(
            httpx.post(f"{moody.url}/predict", json=slow_rows(moody), headers=headers(moody) | more, timeout=30)
        )

    first_one = threading.Thread(target=ask, kwargs={"X-Request-Timeout": "1.5"})
    first_one.start()
    until((tmp_path / "inside").exists)
    ask(**{"X-Request-Timeout": "0.2"})
    first_one.join()
    assert [answer.status_code for answer in answers] == [504, 504]
    assert "X-Request-Timeout" in answers[0].json()["fix"]
    (tmp_path / "gate").unlink()
    assert afresh(moody, "/predict", json={"age": 4}).json() == {"prediction": 8.0}


def test_a_deadline_that_is_none_is_refused(service: Any) -> None:
    for said in ("soon", "-1", "0", "nan"):
        answer = httpx.post(
            f"{service.url}/predict", json={"a": 1, "b": 2}, headers=headers(service) | {"X-Request-Timeout": said}
        )
        assert answer.status_code == 400, said
        assert "X-Request-Timeout" in answer.json()["error"]


def test_ready_says_no_while_the_model_hangs(moody: Any, tmp_path: Path) -> None:
    assert afresh(moody, "/predict", json=slow_rows(moody)).status_code == 504
    ready = lambda: httpx.get(f"{moody.url}/v2/health/ready", timeout=10).status_code  # noqa: E731
    until(lambda: ready() == 503)
    assert httpx.get(f"{moody.url}/v2/health/live", timeout=10).status_code == 200
    assert httpx.get(f"{moody.url}/ping", timeout=10).status_code == 503, "MLflow's, which asks the same"
    (tmp_path / "gate").unlink()
    until(lambda: ready() == 200)
    assert httpx.get(f"{moody.url}/ping", timeout=10).status_code == 200


def test_a_deadline_in_the_body_of_v2_holds(moody: Any, tmp_path: Path) -> None:
    rows = slow_rows(moody)
    tensor = {"name": "age", "shape": [len(rows)], "datatype": "FP64", "data": [row["age"] for row in rows]}
    asked = {"inputs": [tensor], "parameters": {"timeout": 300_000}}
    late = httpx.post(f"{moody.url}/v2/models/moody/infer", json=asked, headers=headers(moody), timeout=30)
    assert (late.status_code, "in time" in late.json()["error"]) == (504, True)
    (tmp_path / "gate").unlink()


def test_a_hang_in_the_models_thread_costs_its_worker(in_a_hurry: None, moody: Any, tmp_path: Path) -> None:  # noqa: F811
    (worker,) = moody.facts["workers"]
    assert afresh(moody, "/predict", json=slow_rows(moody)).status_code == 504
    until(lambda: moody.refresh().facts["workers"] not in ([], [worker]))
    (tmp_path / "gate").unlink()
    assert afresh(moody, "/predict", json={"age": 4}).json() == {"prediction": 8.0}


def test_the_model_is_not_asked_for_who_went_away(moody: Any, tmp_path: Path) -> None:
    """Requests that wait behind a slow call and whose clients leave are never predicted."""
    blocking = threading.Thread(target=afresh, args=(moody, "/predict"), kwargs={"json": slow_rows(moody)})
    blocking.start()
    until((tmp_path / "inside").exists)
    for _ in range(5):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{moody.url}/predict", json={"age": 1}, headers=headers(moody), timeout=httpx.Timeout(30, read=0.1)
            )
    until(lambda: "5 refused" in str(moody.refresh()))
    (tmp_path / "gate").unlink()
    blocking.join()
    assert afresh(moody, "/predict", json={"age": 4}).json() == {"prediction": 8.0}
    assert "5 refused" in str(moody.refresh())


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pem")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run([*made.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def test_https(api: Workbench, pem: tuple[str, str]) -> None:
    cert, key = pem
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    service = api.serve("churn", tls_cert=cert, tls_key=key)
    assert service.url.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=cert)
    with httpx.Client(verify=trusting, headers=headers(service)) as asking:
        for i in range(20):
            answer = asking.post(f"{service.url}/predict", json={"a": float(i), "b": 0.0})
            assert answer.json() == {"prediction": 3.0 * i}
        api.restart("churn")
        assert asking.post(f"{service.url}/predict", json={"a": 1.0, "b": 0.0}).json() == {"prediction": 3.0}
        assert service.url in asking.get(f"{service.url}/").text


def test_a_certificate_that_is_none_is_refused_before_anything_starts(
    api: Workbench, pem: tuple[str, str], tmp_path: Path
) -> None:
    api.model("churn", first, example=NUMBERS)
    (tmp_path / "no.pem").write_text("no")
    with pytest.raises(UsageError, match="takes a certificate and its key"):
        api.serve("churn", tls_cert=pem[0])
    with pytest.raises(NotFound, match="there is no file"):
        api.serve("churn", tls_cert=pem[0], tls_key=str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="are no certificate and its key"):
        api.serve("churn", tls_cert=pem[0], tls_key=str(tmp_path / "no.pem"))
    assert api.deployments() == []


def test_tokens_by_name(api: Workbench, service: Any) -> None:
    def status(token: str) -> int:
        answer = httpx.post(
            f"{service.url}/predict", json={"a": 1, "b": 2}, headers={"Authorization": f"Bearer {token}"}
        )
        return answer.status_code

    assert str(api.token("churn", names=True)).startswith("no tokens with names")
    mine = str(api.token("churn", new="mobile-app"))
    assert status(mine) == 200
    assert status("guess") == 401
    assert list(api.token("churn", names=True)) == ["mobile-app"]
    assert mine not in (service.running.store.job_folder(service.name) / "tokens.json").read_text()
    renewed = str(api.token("churn", new="mobile-app"))
    assert status(mine) == 401
    assert status(renewed) == 200
    api.restart("churn")
    assert status(renewed) == 200
    assert str(api.token("churn", remove="mobile-app")) == "mobile-app is let in by service/churn no more"
    assert status(renewed) == 401
    with pytest.raises(NotFound, match="there is no token mobile-app"):
        api.token("churn", remove="mobile-app")
    with pytest.raises(UsageError, match="is no name of a token"):
        api.token("churn", new="../x")
    assert status(str(api.token("churn"))) == 200


def test_figures_may_be_open_while_all_else_is_not(api: Workbench) -> None:
    api.model("churn", first, example=NUMBERS)
    service = api.serve("churn", open_metrics=True)
    assert httpx.get(f"{service.url}/metrics").status_code == 200
    assert httpx.get(f"{service.url}/").status_code == 401
    assert httpx.post(f"{service.url}/metrics").status_code == 401


def test_no_more_than_so_many_wait(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "gate").touch()
    api.model("moody", Moody(str(tmp_path)), example=AGES, row_wise="yes")
    moody = api.serve("moody", max_queue=2)
    threads = [
        threading.Thread(target=afresh, args=(moody, "/predict"), kwargs={"json": slow_rows(moody)}) for _ in range(1)
    ]
    threads[0].start()
    until((tmp_path / "inside").exists)
    waiting = [threading.Thread(target=afresh, args=(moody, "/predict"), kwargs={"json": {"age": 1}}) for _ in range(2)]
    for thread in waiting:
        thread.start()
    until(lambda: afresh_status(moody) == 429)
    (tmp_path / "gate").unlink()
    for thread in (*threads, *waiting):
        thread.join()


def afresh_status(service: Any) -> int:
    try:
        answer = httpx.post(
            f"{service.url}/predict", json={"age": 1}, headers=headers(service), timeout=httpx.Timeout(30, read=0.3)
        )
    except httpx.ReadTimeout:
        return 0
    assert answer.status_code != 429 or answer.headers["retry-after"] == "1"
    return answer.status_code
