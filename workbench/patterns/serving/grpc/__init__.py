"""Calls over gRPC -> the batcher -> responses; grpcio and protobuf are imported here alone, by workers that answer."""
