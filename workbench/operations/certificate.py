"""The files of a certificate -> what a service is told of them, once they are known to fit."""

from __future__ import annotations

from pathlib import Path

from ..errors import NotFound, UsageError

_MAKE = "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=localhost -keyout key.pem -out cert.pem"


def certificate(cert: str | None, key: str | None) -> list[str] | None:
    """The absolute paths of both files; None where neither is named. NotFound, UsageError where they do not fit."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageError("HTTPS takes a certificate and its key", fix=f"--tls-cert FILE --tls-key FILE; {_MAKE}")
    files = [str(Path(name).expanduser().absolute()) for name in (cert, key)]
    if missing := [name for name in files if not Path(name).is_file()]:
        raise NotFound(f"there is no file {missing[0]}", fix=f"name a PEM file; to try: {_MAKE}")
    _check(*files)
    return files


def _check(cert: str, key: str) -> None:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: b"")
    except (ssl.SSLError, ValueError, OSError) as error:
        why = getattr(error, "reason", None) or str(error)
        fix = "PEM files; a key without a passphrase, since a service starts unattended"
        raise UsageError(f"{cert} and {key} are no certificate and its key: {why}", fix=fix) from error
