"""The floor of gRPC: grpc.aio that answers each message with itself; `python -m measure.grpc_echo PORT`."""

from __future__ import annotations

import sys
from typing import Any

import grpc
import uvloop

SERVICE, METHOD = "inference.GRPCInferenceService", "ModelInfer"


async def echo(content: bytes, context: Any) -> bytes:
    return content


async def serve(port: int) -> None:
    server = grpc.aio.server()
    handlers = {METHOD: grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
