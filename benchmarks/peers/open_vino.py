"""OpenVINO on the same ONNX graph, in float32 and set for latency."""

import sys
from typing import Any

import numpy as np

from benchmarks.peers.onnx_graph import STATES, graph
from benchmarks.task import Prepared, Task

# With this module OpenVINO reports its use over the network, by a fork that would disturb the timing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino  # type: ignore[import-untyped]  # noqa: E402


def inference(task: Task) -> Prepared:
    request, x = _request(task, False), task.x.swapaxes(0, 1).copy()
    request.set_input_tensor(openvino.Tensor(x))  # a copy that it owns; shared memory would have to be kept alive

    def run() -> Any:
        request.infer()
        return request.get_output_tensor(0).data

    return Prepared(run, run()[:, 0].swapaxes(0, 1).copy())


def step(task: Task) -> Prepared:
    """Inputs and outputs are bound; the new state is copied over the old one."""
    request, x = _request(task, True), task.x.swapaxes(0, 1).copy()
    request.set_tensor("x", openvino.Tensor(x))
    pairs = []
    for name in STATES[task.item.cell]:
        before = np.zeros((1, task.item.batch, task.item.hidden_size), np.float32)
        request.set_tensor(name, openvino.Tensor(before, shared_memory=True))
        pairs.append((before, request.get_tensor(f"{name}_next").data))

    def run() -> None:
        request.infer()
        for before, after in pairs:
            before[:] = after

    run()
    return Prepared(run, request.get_tensor("outputs").data[0, 0].copy())


def _request(task: Task, with_state: bool) -> Any:
    core = openvino.Core()
    model = core.read_model(graph(task, with_state), b"")
    options = {
        "INFERENCE_NUM_THREADS": task.item.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    return core.compile_model(model, "CPU", options).create_infer_request()
