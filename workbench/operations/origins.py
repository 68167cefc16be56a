"""The sites that a person names -> the origins whose pages may ask a service, as browsers write them."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import UsageError

_ANY = "*"


def origins(said: str | None) -> list[str]:
    """`https://shop.example,http://localhost:3000`, or `*` for all; none where nothing is said. UsageError for what is
    no origin."""
    names = [name.strip().rstrip("/").lower() for name in (said or "").split(",") if name.strip()]
    for name in names:
        if name != _ANY and not _is_origin(name):
            fix = "--cors https://HOST, with its port where it has one; several with a comma; `*` for every site"
            raise UsageError(f"{name} is no origin of pages", fix=fix)
    return names


def _is_origin(name: str) -> bool:
    try:
        parts = urlsplit(name)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        return False
    return bool(known) and name == f"{parts.scheme}://{parts.netloc}" and "@" not in name and "*" not in name
