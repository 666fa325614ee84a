"""ONNX Runtime: a plain run for sequences, bound inputs and outputs for steps."""

from itertools import cycle
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from benchmarks.peers.onnx_graph import STATES, graph
from benchmarks.task import Prepared, Task


def inference(task: Task) -> Prepared:
    session, feed = _session(task, False), {"x": task.x.swapaxes(0, 1).copy()}

    def run() -> Any:
        return session.run(None, feed)[0]

    return Prepared(run, run()[:, 0].swapaxes(0, 1))


def step(task: Task) -> Prepared:
    """Two sets of state buffers alternate: a step reads the output of the last step. x is never copied."""
    session, names = _session(task, True), STATES[task.item.cell]
    shape = 1, task.item.batch, task.item.hidden_size
    values = [{name: _value(np.zeros(shape, np.float32)) for name in names} for _ in range(2)]
    x, outputs = _value(task.x.swapaxes(0, 1).copy()), _value(np.zeros((1, *shape), np.float32))
    bindings = []
    for before, after in (values, values[::-1]):
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", x)
        binding.bind_ortvalue_output("outputs", outputs)
        for name in names:
            binding.bind_ortvalue_input(name, before[name])
            binding.bind_ortvalue_output(f"{name}_next", after[name])
        bindings.append(binding)
    turns = cycle(bindings)

    def run() -> None:
        session.run_with_iobinding(next(turns))

    run()
    return Prepared(run, outputs.numpy()[0, 0].copy())


def _session(task: Task, with_state: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = task.item.threads, 1
    return onnxruntime.InferenceSession(graph(task, with_state), options, providers=["CPUExecutionProvider"])


def _value(array: Any) -> Any:
    return onnxruntime.OrtValue.ortvalue_from_numpy(array)
