"""torch.nn as in its documentation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.task import Prepared, Task


def training(task: Task) -> Prepared:
    layer, x, gradient = _layer(task), torch.from_numpy(task.x).requires_grad_(), torch.from_numpy(task.gradient)
    wanted = [x, *layer.parameters()]

    def run() -> tuple[Tensor, ...]:
        return torch.autograd.grad(layer(x)[0], wanted, gradient)

    return Prepared(run, run()[0].numpy())


def packed(task: Task) -> Prepared:
    layer, x, gradient = _layer(task), torch.from_numpy(task.x).requires_grad_(), torch.from_numpy(task.gradient)
    wanted, lengths = [x, *layer.parameters()], torch.from_numpy(task.lengths)

    def run() -> tuple[Tensor, ...]:
        outputs, _ = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        padded, _ = pad_packed_sequence(outputs, batch_first=True, total_length=task.item.time)
        return torch.autograd.grad(padded, wanted, gradient)

    return Prepared(run, run()[0].numpy())


def inference(task: Task) -> Prepared:
    layer, x = _layer(task).eval(), torch.from_numpy(task.x)

    @torch.no_grad()
    def run() -> Tensor:
        outputs: Tensor = layer(x)[0]
        return outputs

    return Prepared(run, run().numpy())


def step(task: Task) -> Prepared:
    layer, x = _layer(task).eval(), torch.from_numpy(task.x)
    state = None

    @torch.no_grad()
    def run() -> Tensor:
        nonlocal state
        output: Tensor
        output, state = layer(x, state)
        return output

    return Prepared(run, run().numpy()[:, 0])


def _layer(task: Task) -> nn.RNNBase:
    kind: Callable[..., nn.RNNBase] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[task.item.cell]
    sizes = task.item.input_size, task.item.hidden_size
    layer = kind(*sizes, batch_first=True, bidirectional=task.item.directions == 2)
    layer.load_state_dict({name: torch.from_numpy(weight) for name, weight in task.weights.items()})
    return layer
