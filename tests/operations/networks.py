"""Small ONNX networks, made by hand."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def _saved(
    file: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: list[onnx.TensorProto],
) -> Path:
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
    return file


def linear(file: Path, weights: list[float], rows: int | None = None) -> Path:
    """One input of all columns in single precision, one output of shape (rows, 1); perhaps for so many `rows` alone."""
    return _saved(
        file,
        [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, len(weights)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, 1])],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [len(weights), 1], weights),
            helper.make_tensor("b", TensorProto.FLOAT, [1], [0.5]),
        ],
    )


def by_column(file: Path) -> Path:
    """An input for each of `age` (whole numbers) and `city` (text); outputs `doubled`, `same` and `both`."""
    return _saved(
        file,
        [
            helper.make_node("Add", ["age", "age"], ["doubled"]),
            helper.make_node("Identity", ["city"], ["same"]),
            helper.make_node("Concat", ["age", "doubled"], ["both"], axis=1),
        ],
        [
            helper.make_tensor_value_info("age", TensorProto.INT64, [None, 1]),
            helper.make_tensor_value_info("city", TensorProto.STRING, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("doubled", TensorProto.INT64, [None, 1]),
            helper.make_tensor_value_info("same", TensorProto.STRING, [None, 1]),
            helper.make_tensor_value_info("both", TensorProto.INT64, [None, 2]),
        ],
        [],
    )
