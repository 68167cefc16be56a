"""Small ONNX networks, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper


def _saved(
    file: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: list[onnx.TensorProto],
    weights_in: str = "",
) -> Path:
    graph = helper.make_graph(nodes, "network", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    (file.parent / weights_in).parent.mkdir(parents=True, exist_ok=True)
    own = {"save_as_external_data": True, "location": weights_in, "size_threshold": 0} if weights_in else {}
    onnx.save_model(model, str(file), **own)
    return file


def linear(file: Path, weights: list[float], rows: int | None = None, weights_in: str = "") -> Path:
    """One input of all columns in single precision, one output of shape (rows, 1); perhaps for so many `rows` alone,
    perhaps with its weights in a file of their own."""
    return _saved(
        file,
        [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, len(weights)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, 1])],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [len(weights), 1], np.array(weights, "<f4").tobytes(), raw=True),
            helper.make_tensor("b", TensorProto.FLOAT, [1], [0.5]),
        ],
        weights_in,
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
