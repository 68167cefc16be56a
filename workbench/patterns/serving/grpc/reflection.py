"""Server reflection: what is spoken here, for grpcurl and its like, which have no file of the protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import grpc

from .calls import Calls, read
from .messages import message, pool, services

if TYPE_CHECKING:
    from ..answering import Answering


class Reflection:
    """Answers who may ask, in the messages of `package`: `grpc.reflection.v1`, or `v1alpha`."""

    def __init__(self, endpoint: Answering, package: str) -> None:
        self.calls, self.package = Calls(endpoint), package

    def handlers(self) -> dict[str, Any]:
        """Each method by its name."""
        return {"ServerReflectionInfo": self.calls.stream(self._info, several=True)}

    async def _info(self, sent: Any, context: Any) -> AsyncGenerator[bytes, None]:
        response = message(f"{self.package}.ServerReflectionResponse")
        async for content in sent:
            asked = read(f"{self.package}.ServerReflectionRequest", content)
            said = response(valid_host=asked.host, original_request=asked, **_answer(asked))
            yield said.SerializeToString()


def _answer(asked: Any) -> dict[str, Any]:
    """The field of the response that answers, with its value."""
    kind = asked.WhichOneof("message_request")
    if kind == "list_services":
        return {"list_services_response": {"service": [{"name": name} for name in services()]}}
    if kind in ("file_by_filename", "file_containing_symbol"):
        found = _file(kind, getattr(asked, kind))
        if found is not None:
            return {"file_descriptor_response": {"file_descriptor_proto": [found.serialized_pb]}}
    if kind == "all_extension_numbers_of_type" and _file("file_containing_symbol", getattr(asked, kind)) is not None:
        return {"all_extension_numbers_response": {"base_type_name": getattr(asked, kind)}}
    what = "nothing is asked" if kind is None else f"{kind} {getattr(asked, kind)!s} is not known here"
    return {"error_response": {"error_code": grpc.StatusCode.NOT_FOUND.value[0], "error_message": what}}


def _file(kind: str, name: str) -> Any:
    """The descriptor of a file by its name, or by one that is described in it, be it a method's; None without one."""
    find = pool().FindFileByName if kind == "file_by_filename" else pool().FindFileContainingSymbol
    for candidate in (name, name.rpartition(".")[0]):
        try:
            return find(candidate)
        except KeyError:
            continue
    return None
