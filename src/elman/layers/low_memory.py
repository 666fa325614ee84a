"""`memory="low"`: which parts of a stack run in blocks of time, and how long a block is."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from elman.cells import Cell
from elman.layers.blocks import Plan, in_blocks
from elman.layers.directions import LayerFunction, pick
from elman.layers.native.conditions import transformed
from elman.types import State

MEMORIES = ("full", "low")
# The fewest steps of a block, over all rows: each block packs the weights again, which fewer steps would not pay for.
LEAST_BLOCK = 1024


def low_memory(
    run: LayerFunction,
    cells: Sequence[Cell],
    directions: int,
    x: Tensor,
    state: State,
    lengths: Tensor | None,
    reset: Tensor | None,
    start: State,
    *,
    bptt: int | None = None,
    keep_outputs: bool = True,
) -> tuple[Tensor, State]:
    """Run a stack so that its activations take memory near the square root of T, for about a third more time.

    Recomputation in blocks of time (Chen et al. 2016, arXiv 1604.06174; Gruslys et al. 2016, arXiv 1606.03401), about
    sqrt(T) of them. In one direction a block goes through all layers, so that only x and the last layer's outputs have
    T steps. In two directions each layer has blocks of its own, those of the backward cell from each row's true end,
    and the outputs of every layer are kept.

    Without gradients, where all steps are one block, and under torch.compile and the transforms of torch.func, which
    decide themselves what they keep, this is just `run`.

    Args:
        run: the stack, as `run_stack`.
        cells, directions, x, state, lengths, reset, start: as `run_stack`.
        bptt: the gradient ends at multiples of this number of steps, within a block by `run`; in one direction only.
        keep_outputs: if False, outputs are not needed, and none are returned where that saves memory.

    Returns: outputs (B, T, directions * H), or (B, 0, H), and the state (B, N, H) at each row's own end.
    """
    size = block_size(x, bptt)
    tensors = (x, *state, *start, *(parameter for cell in cells for parameter in cell.weights().values()))
    trains = torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in tensors)
    if not trains or x.shape[1] <= size or x.numel() == 0 or torch.compiler.is_compiling() or transformed():
        return run(cells, directions, x, state, lengths, reset, start)
    if directions == 2:
        return run(cells, directions, x, state, lengths, reset, start, around=partial(_layer_in_blocks, size))

    def one_way(cells: Sequence[Cell], *request: Any) -> tuple[Tensor, State]:
        return run(cells, 1, *request)

    plan = Plan(one_way, cells, size, cut=bptt is not None, keep_outputs=keep_outputs)
    return in_blocks(plan, x, state, lengths, reset, start)


def block_size(x: Tensor, bptt: int | None) -> int:
    """Steps of a block for x (B, T, D): whole chunks of `bptt`."""
    rows, steps = x.shape[:2]
    size = max(math.ceil(math.sqrt(steps)), math.ceil(LEAST_BLOCK / max(rows, 1)))
    return size if bptt is None else math.ceil(size / bptt) * bptt


def _layer_in_blocks(
    size: int,
    run: LayerFunction,
    cells: Sequence[Cell],
    x: Tensor,
    state: State,
    lengths: Tensor | None,
    reset: Tensor | None,
    start: State,
) -> tuple[Tensor, State]:
    """A layer of two directions; `run` and the rest as `Backend.run`."""
    outputs, finals = [], []
    for direction, cell in enumerate(cells):
        own = slice(direction, direction + 1)
        plan = Plan(run, (cell,), size, backward=direction == 1)
        output, final = in_blocks(plan, x, pick(state, own), lengths, reset, pick(start, own))
        outputs.append(output)
        finals.append(final)
    return torch.cat(outputs, -1), type(state)(*(torch.cat(tensors, 1) for tensors in zip(*finals, strict=True)))
