"""The optimizer makes of the weights what torch's own makes of them, without the import that torch's own costs."""

import subprocess
import sys

import pytest
import torch

import elman
from elman.training.optimizer import AdamW, clip_gradient


def test_only_matrices_decay():
    layer = elman.GRU(3, 4)
    groups = AdamW(layer, 1e-3, 0.1).groups
    assert [(decay, {p.dim() for p in group}) for group, decay in groups] == [(0.1, {2}), (0.0, {1})]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adamw_makes_of_the_weights_what_torch_makes_of_them(dtype):
    torch.manual_seed(0)
    ours, theirs = (Tied().to(dtype) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    matrices, vectors = [theirs.matrix, theirs.reduce.weight], [theirs.reduce.bias]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    mine, torchs = AdamW(ours, 1e-2, 0.1), torch.optim.AdamW(groups, lr=1e-2, fused=True)
    for step in range(6):
        mine.lr = torchs.param_groups[0]["lr"] = torchs.param_groups[1]["lr"] = 1e-2 / (1 + step)
        x = torch.randn(4, 5, dtype=dtype)
        for network, optimizer in ((ours, mine), (theirs, torchs)):
            optimizer.zero_grad()
            network(x, biased=step > 1).square().sum().backward()  # at first the bias has no gradient
            optimizer.step()
        assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
        state = torchs.state_dict()["state"]  # as older checkpoints have it
        expected = {f"{index}.{name}": tensor for index, own in state.items() for name, tensor in own.items()}
        found = mine.tensors()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)
        restored = AdamW(ours, mine.lr, 0.1)
        restored.restore(expected)
        mine = restored  # goes on from copies: torch's own are changed by its next step


@pytest.mark.parametrize("length", [0.1, 1.0, 20.0])
def test_a_gradient_is_clipped_as_torch_clips_it(length):
    torch.manual_seed(0)
    ours, theirs = Tied(), Tied()
    gradients = [length * torch.randn_like(parameter) / 8 for parameter in ours.parameters()]
    for network in (ours, theirs):
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter.grad = gradient.clone()
        next(network.parameters()).grad = None

    norm = clip_gradient(ours.parameters(), 1.0)

    assert torch.equal(norm, torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0))
    assert (norm > 1) == (length > 1)
    for one, other in zip(list(ours.parameters())[1:], list(theirs.parameters())[1:], strict=True):
        assert torch.equal(one.grad, other.grad)


class Tied(torch.nn.Module):
    """A matrix that is used twice, a linear map, and a vector that is not trained."""

    def __init__(self):
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.randn(5, 5))
        self.again, self.reduce = self.matrix, torch.nn.Linear(5, 3)
        self.frozen = torch.nn.Parameter(torch.ones(5), requires_grad=False)

    def forward(self, x, biased):
        x = (x @ self.matrix + self.frozen).tanh() @ self.again
        return self.reduce(x) if biased else x @ self.reduce.weight.T


def test_a_training_does_not_import_the_compiler_of_torch():
    program = """
import sys, elman
table = {"text": ["good film", "bad film"] * 30, "label": ["yes", "no"] * 30}
elman.train(table, input="text", target="label", hidden=4, epochs=1, quiet=True)
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
