"""A recurrent ONNX operator with a task's weights, for ONNX Runtime and OpenVINO."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.task import Task

# ONNX's gate order, as indices in torch's: i o f g for i f g o, z r n for r z n.
GATE_ORDER = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}
STATES = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}


def graph(task: Task, with_state: bool) -> bytes:
    """A model from `x` (T, B, D) to `outputs` (T, 1, B, H); `with_state` adds h, c in and h_next, c_next out."""
    item, states = task.item, STATES[task.item.cell] if with_state else ()
    order, rows, hidden = GATE_ORDER[item.cell], item.batch, item.hidden_size
    ih, hh, bias_ih, bias_hh = (
        np.concatenate([np.split(task.weights[f"{name}_l0"], len(order))[place] for place in order])
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    constants = {"W": ih[None], "R": hh[None], "B": np.concatenate([bias_ih, bias_hh])[None]}
    options: dict[str, Any] = {"linear_before_reset": 1} if item.cell == "gru" else {}  # torch's form of the candidate
    node = helper.make_node(
        item.cell.upper(),
        ["x", "W", "R", "B", "", *states],
        ["outputs", *(f"{name}_next" for name in states)],
        hidden_size=hidden,
        **options,
    )
    state_shape = (1, rows, hidden)
    model = helper.make_model(
        helper.make_graph(
            [node],
            item.cell,
            [_value("x", (item.time, rows, item.input_size)), *(_value(name, state_shape) for name in states)],
            [
                _value("outputs", (item.time, 1, rows, hidden)),
                *(_value(f"{name}_next", state_shape) for name in states),
            ],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 14)],
        ir_version=8,  # old enough for every reader
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
