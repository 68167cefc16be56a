"""A service whose certificate is replaced, whose tokens are taken back, and whose model is asked in two ways at once."""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc_parts import SERVICE, Asking, request
from serving_parts import NUMBERS, client, first
from waiting import PATIENCE, until

from workbench.api import Workbench
from workbench.patterns.serving import certificates

ROW = [("a", "FP64", [1], [2.0]), ("b", "FP64", [1], [1.0])]


def pem(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for this name, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    make = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN={name} -keyout {key} -out {cert}"
    subprocess.run(make.split(), check=True, capture_output=True)
    return cert, key


def shown(address: str) -> bytes:
    """The certificate that is shown at an address."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection((host, int(port)), timeout=10) as plain, context.wrap_socket(plain) as secure:
        found = secure.getpeercert(binary_form=True)
    assert found
    return found


def test_a_certificate_that_was_replaced_is_shown_to_new_connections(api: Workbench, tmp_path: Path) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    old, new = pem(tmp_path, "old"), pem(tmp_path, "new")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(old[0], cert)
    shutil.copy(old[1], key)
    service = api.serve("churn", tls_cert=str(cert), tls_key=str(key), grpc=True)
    addresses = [service.url.removeprefix("https://"), service.grpc]
    before = ssl.PEM_cert_to_DER_cert(old[0].read_text())
    assert [shown(address) for address in addresses] == [before] * 2
    shutil.copy(new[1], key)  # for a moment they do not fit
    assert [shown(address) for address in addresses] == [before] * 2
    shutil.copy(new[0], cert)
    after = ssl.PEM_cert_to_DER_cert(new[0].read_text())
    until(lambda: [shown(address) for address in addresses] == [after] * 2, "it still shows the old one")


def test_a_certificate_that_was_half_written_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a file may be the same before and after its last byte."""
    cert, key = pem(tmp_path, "new")
    whole, told, shown = cert.read_bytes(), list[str](), list[Any]()
    monkeypatch.setattr(certificates, "_LOOK", 0.001)
    monkeypatch.setattr(certificates.journal, "note", told.append)

    def written(content: bytes) -> None:
        (part := tmp_path / "part").write_bytes(content)
        os.utime(part, (1000.0, 1000.0))
        part.replace(cert)

    async def followed() -> None:
        to = SimpleNamespace(load_cert_chain=lambda *files: shown.append(files))
        following = asyncio.create_task(certificates.follow(to, (str(cert), str(key))))
        await asyncio.sleep(0)
        for content, done in ((whole[:-100], told), (whole, shown)):
            written(content)
            while not done:
                await asyncio.sleep(0.001)
        following.cancel()

    asyncio.run(asyncio.wait_for(followed(), PATIENCE))
    assert (len(told), shown) == (1, [(str(cert), str(key))])


def test_a_stream_ends_when_its_token_is_taken_back(api: Workbench) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    service = api.serve("churn", grpc=True)
    token = str(api.token("churn", new="ada"))
    with client(service) as asking:
        until(lambda: asking.post("/predict", json={"a": 1, "b": 2}, headers=bearer(token)).status_code == 200)
        sent: queue.Queue[bytes | None] = queue.Queue()
        with Asking(service) as calls:
            call = calls.channel.stream_stream(f"/{SERVICE}/ModelStreamInfer")(
                until_none(sent), metadata=(("authorization", f"Bearer {token}"),)
            )
            sent.put(request(ROW, raw=True).SerializeToString())
            assert next(call)
            api.token("churn", remove="ada")
            until(lambda: asking.post("/predict", json={"a": 1, "b": 2}, headers=bearer(token)).status_code == 401)
            sent.put(request(ROW, raw=True).SerializeToString())
            with pytest.raises(grpc.RpcError) as refused:
                next(call)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            sent.put(None)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def until_none(sent: queue.Queue[Any]) -> Iterator[bytes]:
    while (one := sent.get()) is not None:
        yield one


def test_a_card_says_what_changed_in_words(api: Workbench) -> None:
    api.model("churn", first, example=NUMBERS, row_wise="yes")
    planned = str(api.serve("churn", log_requests=True, hide="a", dry_run=True))
    assert "hide=a" in planned
    assert "[" not in planned
    api.serve("churn", log_requests=True, hide="a")
    assert "hide a → none, timeout 60 → 30" in str(api.serve("churn", log_requests=True, timeout=30))
    assert "log yes → none" in str(api.serve("churn", timeout=30))
