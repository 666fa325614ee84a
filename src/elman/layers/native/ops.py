"""The kernels as operators of torch, so that `torch.compile` sees a layer as one node."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from elman.layers.native.run import Request, backward, empty_gradients, empty_results, forward


@torch.library.custom_op("elman::layer", mutates_args=(), device_types="cpu")
def layer(
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    kind: str,
    directions: int,
    capacity: int,
    keep: bool,
) -> list[Tensor]:
    """`elman.layers.native.run.forward`; the first arguments are those of `Request`."""
    return forward(Request(x, weights, state, start, lengths, reset, kind, directions, capacity), keep)


@layer.register_fake
def _(*arguments: Any) -> list[Tensor]:
    *request, keep = arguments
    return empty_results(Request(*request), keep)


@torch.library.custom_op("elman::layer_backward", mutates_args=(), device_types="cpu")
def layer_backward(
    x: Tensor,
    weights: Sequence[Tensor],
    state: Sequence[Tensor],
    start: Sequence[Tensor],
    lengths: Tensor | None,
    reset: Tensor | None,
    kind: str,
    directions: int,
    capacity: int,
    outputs: Tensor,
    kept: Sequence[Tensor],
    grad_outputs: Tensor,
    grad_final: Sequence[Tensor],
    needs_x: bool,
    needs_weights: bool,
) -> list[Tensor]:
    """`elman.layers.native.run.backward`; the first arguments are those of `Request`."""
    request = Request(x, weights, state, start, lengths, reset, kind, directions, capacity)
    return backward(request, outputs, kept, grad_outputs, grad_final, needs_x, needs_weights)


@layer_backward.register_fake
def _(*arguments: Any) -> list[Tensor]:
    *request, _, _, _, _, needs_x, needs_weights = arguments
    return empty_gradients(Request(*request), needs_x, needs_weights)
