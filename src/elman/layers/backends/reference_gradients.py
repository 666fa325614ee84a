"""Gradients that can be differentiated again: those of the reference, for code whose own gradients cannot."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def reference_gradients(
    run: Callable[[list[Any]], Sequence[Tensor]],
    inputs: Sequence[Any],
    needed: Sequence[bool],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """The gradients of some inputs, as a graph.

    Args:
        run: inputs -> results, by operations of torch.
        inputs: tensors, or None.
        needed: for each input, whether its gradient is needed.
        grads: the gradients of the results, None for zeros.

    Returns: for each input its gradient, or None where it is not needed.
    """
    wanted = [index for index, want in enumerate(needed) if want]

    def of_wanted(*values: Tensor) -> tuple[Tensor, ...]:
        given = list(inputs)
        for index, value in zip(wanted, values, strict=True):
            given[index] = value
        return tuple(run(given))

    # Not torch.autograd.grad: an input may have been computed from another one, and that way is not ours to follow.
    pair: Any = torch.func.vjp(of_wanted, *(inputs[index] for index in wanted))
    results, gradients_of = pair
    whole = (torch.zeros_like(to) if grad is None else grad for to, grad in zip(results, grads, strict=True))
    found = dict(zip(wanted, gradients_of(tuple(whole)), strict=True))
    return [found.get(index) for index in range(len(inputs))]
