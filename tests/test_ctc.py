"""The CTC loss: that of the exact likelihood, in any batch, with a gradient of zero in the padding."""

import math

import pytest
import torch

from elman.decoding.ctc import log_likelihood
from elman.layers.ctc import ctc_loss


def test_the_loss_of_a_row_does_not_depend_on_its_batch_or_its_padding():
    logs = torch.randn(4, 6, 5, dtype=torch.float64).log_softmax(-1)
    targets, lengths, sizes = torch.randint(1, 5, (4, 3)), torch.tensor([6, 3, 5, 0]), torch.tensor([3, 1, 2, 0])
    together = ctc_loss(logs, lengths, targets, sizes)

    for row in range(4):
        length, size = int(lengths[row]), int(sizes[row])
        alone = ctc_loss(logs[[row], :length], lengths[[row]], targets[[row], :size], sizes[[row]])
        assert alone.item() == pytest.approx(together[row].item(), abs=1e-6)
        assert alone.item() == pytest.approx(
            -log_likelihood(logs[row, :length].numpy(), targets[row, :size].tolist()), abs=1e-5
        )
    targets[0, 3:], targets[1, 1:], targets[2, 2:] = 4, 4, 4
    assert torch.equal(ctc_loss(logs, lengths, targets, sizes), together)


def test_a_row_without_steps_reads_as_nothing_and_as_nothing_else():
    logs, none = torch.zeros(2, 3, 4).log_softmax(-1), torch.tensor([0, 0])

    assert ctc_loss(logs, none, torch.ones(2, 1, dtype=torch.long), torch.tensor([0, 1])).tolist() == [0, math.inf]
    assert ctc_loss(logs[:, :0], none, torch.ones(2, 0, dtype=torch.long), none).tolist() == [0, 0]


def test_the_gradient_of_padding_is_zero():
    scores = torch.randn(2, 5, 3, requires_grad=True)
    loss = ctc_loss(scores.log_softmax(-1), torch.tensor([5, 2]), torch.tensor([[1, 2], [2, 0]]), torch.tensor([2, 1]))

    loss.sum().backward()

    assert scores.grad[1, 2:].abs().max() == 0
    assert scores.grad[1, :2].abs().max() > 0
