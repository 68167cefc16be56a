"""The methods of `inference.GRPCInferenceService` over an endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from .. import yielded
from ..protocols import v2_about
from ..refusals import Refused
from ..routes import check_named
from . import infer
from .calls import Calls, read, told
from .gathering import Gathering
from .messages import message

if TYPE_CHECKING:
    from ..answering import Answering
    from ..exchange import Reply, Request
    from ..served import Served
    from .calls import Look

Fields = dict[str, Any]
_Asked = asyncio.Queue["asyncio.Task[bytes] | Request | None"]

_AHEAD = 16
_PATH = "/inference.GRPCInferenceService/ModelInfer"
_STREAM_PATH = "/inference.GRPCInferenceService/ModelStreamInfer"
_FINAL = "triton_final_response"
_IDLE = 3.0
_STREAMED = message("inference.ModelStreamInferResponse")


class Inference:
    """Answers for what `endpoint` serves; a stream that is idle ends once `drain` is set."""

    def __init__(self, endpoint: Answering, drain: asyncio.Event) -> None:
        self.endpoint, self.drain, self.calls = endpoint, drain, Calls(endpoint)
        self.gathering = Gathering(endpoint)
        self.streams = 0

    def handlers(self) -> dict[str, Any]:
        """Each method by its name."""
        anybody: dict[str, Look] = {"ServerLive": _live, "ServerReady": self._ready, "ModelReady": self._model_ready}
        looks: dict[str, Look] = anybody | {
            "ServerMetadata": _server,
            "ModelMetadata": self._metadata,
            "ModelConfig": self._config,
            "ModelStatistics": self._statistics,
            "RepositoryIndex": self._index,
            "RepositoryModelLoad": self._load,
            "RepositoryModelUnload": self._unload,
        }
        found = {
            name: self.calls.look(
                look, taken=f"inference.{name}Request", given=f"inference.{name}Response", anybody=name in anybody
            )
            for name, look in looks.items()
        }
        found["ModelInfer"] = self.calls.infer(self._infer, _PATH)
        found["ModelStreamInfer"] = self.calls.stream(self._stream, several=True)
        return found

    async def _infer(self, request: Request) -> Reply:
        asked = self._read_infer(request)
        await self.gathering.wait()
        return await self.endpoint.answer(lambda _, decoder: infer.ask(asked, decoder), request)

    def _read_infer(self, request: Request) -> Any:
        """The message of a request. Refused for another model."""
        asked = read("inference.ModelInferRequest", request.content)
        request.version = asked.model_version
        check_named(asked.model_name, request.version, self._meant(request.version))
        return asked

    async def _stream(self, sent: Any, context: Any) -> AsyncGenerator[bytes, None]:
        """As Triton streams: the answer to each request, in their order, an error as one of them. Some requests are
        read ahead, so that those of one stream share batches too."""
        opened = self.calls.let_in(context, _STREAM_PATH)
        asked: _Asked = asyncio.Queue(_AHEAD)
        reading = asyncio.create_task(self._read(context, opened, asked))
        self.streams += 1
        try:
            while (first := await asked.get()) is not None:
                if isinstance(first, asyncio.Task):
                    yield await first
                    continue
                async with aclosing(self._several(first)) as answers:
                    async for answer in answers:
                        yield answer
            await reading
        finally:
            self.streams -= 1
            reading.cancel()
            while not asked.empty():
                if isinstance(left := asked.get_nowait(), asyncio.Task):
                    left.cancel()

    async def _read(self, context: Any, opened: Request, asked: _Asked) -> None:
        try:
            while (content := await self._next(context)) is not grpc.aio.EOF:
                self.endpoint.access.check(opened.headers)  # its token may have been taken back meanwhile
                request = replace(opened, content=content)
                await asked.put(request if self._yields else asyncio.create_task(self._one(request)))
        finally:
            await asked.put(None)

    async def _next(self, context: Any) -> Any:
        """The next request, or that there is none. While this drains, Refused once a stream was idle for a moment."""
        reading = asyncio.ensure_future(context.read())
        if not self.drain.is_set():
            ended = asyncio.ensure_future(self.drain.wait())
            await asyncio.wait((reading, ended), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
        await asyncio.wait((reading,), timeout=_IDLE)
        if not reading.done():
            fix = "open another stream; what was not answered can be asked again"
            raise Refused("the service ends or changes over, and this stream was idle", fix=fix, status=503)
        return reading.result()

    @property
    def _yields(self) -> bool:
        """Whether a request has several answers, which begin when those to the one before it have been sent."""
        return any(served.predictor.yields for served in self.endpoint.versions)

    async def _one(self, request: Request) -> bytes:
        try:
            with self.calls.counted(request):
                reply = await self._infer(request)
        except Exception as error:  # noqa: BLE001 the stream goes on
            return self._failed(request, error)
        return _streamed(reply, last=True)

    async def _several(self, request: Request) -> AsyncGenerator[bytes, None]:
        """Each part as the model yields it. What ends the answer says so: it is sent once the model has ended well."""
        last = b""
        try:
            with self.calls.counted(request):
                asked = self._read_infer(request)
                parts = yielded.answer(self.endpoint, lambda _, decoder: infer.ask(asked, decoder), request)
                async with aclosing(parts):
                    async for part in parts:
                        sent = _streamed(part.question.encode(part.answer), last=part.last)
                        if part.last:
                            last = sent
                        else:
                            yield sent
        except Exception as error:  # noqa: BLE001 the stream goes on
            last = self._failed(request, error)
        yield last

    def _failed(self, request: Request, error: Exception) -> bytes:
        """An error as an answer, with the id of its request."""
        response = infer.RESPONSE()
        with suppress(DecodeError):
            response.id = infer.REQUEST.FromString(request.content).id
        said = _STREAMED(error_message=told(self.endpoint.told(error)), infer_response=response)
        failed: bytes = said.SerializeToString()
        return failed

    def _ready(self, asked: Any) -> Fields:
        return {"ready": self.endpoint.ready}

    def _model_ready(self, asked: Any) -> Fields:
        self._served(asked)
        return self._ready(asked)

    def _metadata(self, asked: Any) -> Fields:
        return v2_about.metadata(self._served(asked), self.endpoint.versions)

    def _config(self, asked: Any) -> Fields:
        return {"config": v2_about.config(self._served(asked))}

    def _statistics(self, asked: Any) -> Fields:
        served = self._served(asked) if asked.name else self.endpoint.live.current()
        return v2_about.statistics(served.name, self.endpoint.counted(served if asked.version else None))

    def _index(self, asked: Any) -> Fields:
        ready = self.endpoint.ready
        return {"models": v2_about.index(self.endpoint.versions, ready=ready, only_ready=asked.ready)}

    def _load(self, asked: Any) -> Fields:
        v2_about.load(asked.model_name, {"parameters": dict(asked.parameters)}, self.endpoint.live.current())
        return {}

    def _unload(self, asked: Any) -> Fields:
        v2_about.refuse_unload(asked.model_name, self.endpoint.live.current(), self.endpoint.name)

    def _served(self, asked: Any) -> Served:
        """The version that answers, if it is the one that is meant."""
        served = self._meant(asked.version)
        check_named(asked.name, asked.version, served)
        return served

    def _meant(self, version: str) -> Served:
        """The version of this number where it answers, else the live one."""
        route = self.endpoint.live.route()
        return route.named(version) or route.served


def _streamed(reply: Reply, *, last: bool) -> bytes:
    response = infer.RESPONSE.FromString(reply.content)
    response.parameters[_FINAL].bool_param = last
    answered: bytes = _STREAMED(infer_response=response).SerializeToString()
    return answered


def _live(asked: Any) -> Fields:
    return {"live": True}


def _server(asked: Any) -> Fields:
    return {"name": "workbench", "version": version("deployment-workbench"), "extensions": v2_about.EXTENSIONS}
