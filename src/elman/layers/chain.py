"""Sums over all paths through a linear chain, and the gradient of one path's probability."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from elman.layers.directions import turned
from elman.layers.unroll import real_steps


class Sums(NamedTuple):
    """For every step and tag, the log of the sum over the paths to it: states + the shifts so far."""

    states: Tensor  # (B, T, K), the maximum at each step is 0
    shifts: Tensor  # (B, T), the maximum that was subtracted at each step, so that long rows stay precise


def path_sums(
    scores: Tensor, first: Tensor, transitions: Tensor, last: Tensor, lengths: Tensor, both: bool
) -> list[Sums]:
    """Sum the paths from the first step to every other (Rabiner 1989, "A tutorial on hidden Markov models"):

        a_0 = first + scores_0
        a_t = scores_t + log sum over i of exp(a_(t-1, i) + transitions_i)

    With the maximum of a row subtracted, the sum is a product with exp(transitions), many times faster than a
    log-sum-exp over (B, K, K). If this could lose a significant term, everything is computed again in logarithms.

    Args:
        scores: (B, T, K), T at least 1, finite also in the padding.
        first: (K,) scores of the tags at the first step.
        transitions: (K, K), from row to column.
        last: (K,) scores of the tags at a row's last step.
        lengths: (B,) int64 on the scores' device, 0 to T.
        both: also sum the paths from each row's end back to every step, in the same pass.

    Returns: the sums from the first step and, if `both`, from the end; a step's own score is in both.
    """
    directions = [scores, turned(scores, lengths)] if both else [scores]
    given = torch.stack(directions)  # (directions, B, T, K)
    begin = torch.stack([first, last])[: len(directions), None]
    moves = torch.stack([transitions, transitions.T])[: len(directions)]
    top = transitions.max()
    weights = (moves - top).exp()
    states, shifts = _walk(given, begin, lambda before: (before.exp() @ weights).log_() + top)
    reached = states + shifts[..., None] - given - top
    if not _is_safe(reached[:, :, 1:], real_steps(lengths, scores.shape[1])[:, 1:, None]):
        states, shifts = _walk(given, begin, lambda before: (before[..., None] + moves[:, None]).logsumexp(2))
    sums = [Sums(states[0], shifts[0])]
    return [*sums, Sums(turned(states[1], lengths), turned(shifts[1], lengths))] if both else sums


def marginals(before: Tensor, after: Tensor, scores: Tensor, real: Tensor) -> Tensor:
    """The probability of every tag at every step (B, T, K), from the states of both sums; zeros in the padding."""
    return (before + after - scores).softmax(-1).masked_fill(~real[..., None], 0)


class PathLogLikelihood(torch.autograd.Function):
    """log p(tags | scores) of each row; its gradient is the path's own indicators minus their mean over all paths."""

    @staticmethod
    def forward(
        ctx: Any, scores: Tensor, first: Tensor, transitions: Tensor, last: Tensor, tags: Tensor, lengths: Tensor
    ) -> Tensor:
        """Scores (B, T, K) with T at least 1, tags (B, T), both 0 in the padding, lengths (B,) -> (B,)."""
        real = real_steps(lengths, scores.shape[1])
        sums, *after = path_sums(scores, first, transitions, last, lengths, both=any(ctx.needs_input_grad))
        if after:
            ctx.save_for_backward(scores, transitions, tags, lengths, sums.states, after[0].states)
        steps = path_steps(scores, first, transitions, tags) - sums.shifts
        end, row = (lengths - 1).clamp(min=0), torch.arange(len(tags), device=tags.device)
        closing = last[tags[row, end]] - (sums.states[row, end] + last).logsumexp(-1)
        return steps.masked_fill(~real, 0).sum(1) + closing.masked_fill(lengths == 0, 0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        scores, transitions, tags, lengths, before, after = ctx.saved_tensors
        real = real_steps(lengths, scores.shape[1])
        held = real * grad[:, None]
        scores_grad = -marginals(before, after, scores, real) * grad[:, None, None]
        scores_grad.scatter_add_(2, tags[..., None], held[..., None])
        ends = scores_grad[torch.arange(len(tags), device=tags.device), (lengths - 1).clamp(min=0)]
        moved = torch.zeros_like(transitions)
        moved.index_put_((tags[:, :-1], tags[:, 1:]), held[:, 1:], accumulate=True)
        moved -= _expected_moves(before[:, :-1], after[:, 1:], transitions, real[:, 1:], grad)
        return scores_grad, scores_grad[:, 0].sum(0), moved, ends.sum(0), None, None


def path_steps(scores: Tensor, first: Tensor, transitions: Tensor, tags: Tensor) -> Tensor:
    """The contribution of every step to the score of a path, transition and tag, (B, T)."""
    moves = pad(transitions[tags[:, :-1], tags[:, 1:]], (1, 0))
    moves[:, 0] = first[tags[:, 0]]
    return moves + scores.gather(2, tags[..., None])[..., 0]


def _walk(scores: Tensor, begin: Tensor, step: Callable[[Tensor], Tensor]) -> Sums:
    """Scores (N, B, T, K) and begin (N, 1, K) of N directions -> states (N, B, T, K) and shifts (N, B, T)."""
    states: list[Tensor] = []
    shifts: list[Tensor] = []
    for t, given in enumerate(scores.unbind(2)):
        reached = (step(states[-1]) if t else begin) + given
        shift = reached.amax(-1, keepdim=True)
        states.append(reached - shift)
        shifts.append(shift)
    return Sums(torch.stack(states, 2), torch.cat(shifts, 2))


def _expected_moves(before: Tensor, after: Tensor, transitions: Tensor, real: Tensor, grad: Tensor) -> Tensor:
    """The expected number of each transition over all paths, (K, K), each row times its `grad` (B,).

    Args:
        before, after: (B, T - 1, K), the sums up to a step, and from the step after it to the end.
        real: (B, T - 1), whether the step after it is real.
    """
    weights = (transitions - transitions.max()).exp()
    here, there = before.exp(), after.exp()
    total = ((here @ weights) * there).sum(-1)
    if _is_safe(total.log(), real):
        factor = (grad[:, None] / total).masked_fill(~real, 0)
        here, there = (tensor.masked_fill(~real[..., None], 0) for tensor in (here, there))
        return weights * ((here * factor[..., None]).flatten(0, 1).T @ there.flatten(0, 1))
    moves = torch.zeros_like(transitions)
    for t in range(real.shape[1]):
        pairs = before[:, t, :, None] + transitions + after[:, t, None, :]
        each = pairs.flatten(1).softmax(-1).masked_fill(~real[:, t, None], 0)
        moves += (grad @ each).view_as(moves)
    return moves


def _is_safe(logarithms: Tensor, real: Tensor) -> bool:
    """Whether sums of numbers up to 1 are so large that a term below the type's range would be negligible."""
    lowest = math.log(torch.finfo(logarithms.dtype).tiny) * 2 / 3  # e^-58 in float32, where the least is e^-87
    return bool((logarithms.masked_fill(~real, 0) > lowest).all())
