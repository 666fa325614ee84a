"""The kinds of work, and their contenders: a contender is a function of `benchmarks.peers`, imported when needed."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from benchmarks.task import Prepared, Task

ELMAN = "elman"


class Work(NamedTuple):
    about: str
    contenders: dict[str, str]  # name -> "module:function" in benchmarks.peers; elman first, then the others
    tolerance: float = 1e-3  # allowed difference of outputs, relative to the largest
    weight_bytes: int = 4


STEP_PEERS = {
    "torch.nn": "torch_nn:step",
    "JAX": "jax_scan:step",
    "ONNX Runtime": "onnx_runtime:step",
    "OpenVINO": "open_vino:step",
}
# ONNX Runtime is the fastest of them over whole sequences, torch.nn the most common.
INFERENCE_PEERS = {"torch.nn": "torch_nn:inference", "ONNX Runtime": "onnx_runtime:inference"}

WORKS = {
    "training": Work(
        "Forward and backward over a whole batch: gradients of x and of all weights.",
        {ELMAN: "own:training", "torch.nn": "torch_nn:training", "JAX": "jax_scan:training"},
    ),
    "inference": Work(
        "Forward over a whole batch, no gradients wanted.",
        {
            ELMAN: "own:inference",
            "torch.nn": "torch_nn:inference",
            "JAX": "jax_scan:inference",
            "ONNX Runtime": "onnx_runtime:inference",
            "OpenVINO": "open_vino:inference",
        },
    ),
    "packed training": Work(
        "Training on rows of different lengths, about 55 % of the steps real. `torch packed` packs, runs and pads "
        "again; `torch padded` computes the padding too.",
        {ELMAN: "own:packed", "torch packed": "torch_nn:packed", "torch padded": "torch_nn:training"},
    ),
    "packed own": Work(
        "The same against elman itself at full length, its time multiplied by the share of real steps: what lengths "
        "cost beyond the steps that they leave. At most 1.15 times as long is a ratio of at least 0.87.",
        {ELMAN: "own:packed", "full length x real share": "own:full_length"},
    ),
    "step": Work(
        "One step of one row, the state carried: streaming. ONNX Runtime with bound inputs and outputs.",
        {ELMAN: "own:step", **STEP_PEERS},
    ),
    "bfloat16 step": Work(
        "The step with weights in bfloat16; the peers in float32.",
        {ELMAN: "own:bfloat16_step", "elman float32": "own:step", **STEP_PEERS},
        tolerance=0.05,
        weight_bytes=2,
    ),
    "int8 step": Work(
        "The step with weights in int8; the peers in float32.",
        {ELMAN: "own:int8_step", "elman float32": "own:step", **STEP_PEERS},
        tolerance=0.1,
        weight_bytes=1,
    ),
    "bfloat16 inference": Work(
        "Whole sequences by `Stepper.run` with weights in bfloat16; the peers in float32.",
        {ELMAN: "own:bfloat16_inference", "elman float32": "own:inference", **INFERENCE_PEERS},
        tolerance=0.05,
        weight_bytes=2,
    ),
    "int8 inference": Work(
        "Whole sequences by `Stepper.run` with weights in int8; the peers in float32.",
        {ELMAN: "own:int8_inference", "elman float32": "own:inference", **INFERENCE_PEERS},
        tolerance=0.1,
        weight_bytes=1,
    ),
    "bidirectional": Work(
        "Training in both directions on two threads, against elman in one direction on one thread. At most 1.2 times "
        "as long is a ratio of at least 0.83.",
        {ELMAN: "own:training", "one direction, 1 thread": "own:one_direction", "torch.nn": "torch_nn:training"},
    ),
    "fallback": Work(
        "Training where the compiled kernels cannot be loaded: elman in pure torch against torch.nn.",
        {ELMAN: "own:by_hand", "torch.nn": "torch_nn:training"},
    ),
}


def prepare(where: str, task: Task) -> Prepared:
    """The contender behind "module:function", ready for the task."""
    module, _, function = where.partition(":")
    make: Callable[[Task], Prepared] = getattr(import_module(f"benchmarks.peers.{module}"), function)
    return make(task)
