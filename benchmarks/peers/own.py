"""elman: its layers and its stepper, called as a user calls them."""

import torch
from torch import Tensor

import elman
from benchmarks.task import Prepared, Task
from elman.layers import LAYERS, Recurrent


def training(task: Task, backend: str = "auto") -> Prepared:
    layer, x, gradient = (
        _layer(task, backend),
        torch.from_numpy(task.x).requires_grad_(),
        torch.from_numpy(task.gradient),
    )
    wanted = [x, *layer.parameters()]

    def run() -> tuple[Tensor, ...]:
        return torch.autograd.grad(layer(x)[0], wanted, gradient)

    return Prepared(run, run()[0].numpy())


def by_hand(task: Task) -> Prepared:
    return training(task, "by_hand")


def packed(task: Task) -> Prepared:
    layer, x, gradient = _layer(task), torch.from_numpy(task.x).requires_grad_(), torch.from_numpy(task.gradient)
    wanted, lengths = [x, *layer.parameters()], torch.from_numpy(task.lengths)

    def run() -> tuple[Tensor, ...]:
        return torch.autograd.grad(layer(x, lengths=lengths)[0], wanted, gradient)

    return Prepared(run, run()[0].numpy())


def full_length(task: Task) -> Prepared:
    """No shorter rows; other work than the packed batch, so there is no output to compare."""
    return training(task)._replace(answer=None, scale=task.valid)


def one_direction(task: Task) -> Prepared:
    """The forward half of a bidirectional item on one thread."""
    half = task._replace(
        item=task.item._replace(work="training"),
        weights={name: weight for name, weight in task.weights.items() if not name.endswith("_reverse")},
        gradient=task.gradient[..., : task.item.hidden_size].copy(),
    )
    return training(half)._replace(answer=None, threads=1)


def inference(task: Task) -> Prepared:
    layer, x = _layer(task).eval(), torch.from_numpy(task.x)

    @torch.no_grad()
    def run() -> Tensor:
        outputs: Tensor = layer(x)[0]
        return outputs

    return Prepared(run, run().numpy())


def step(task: Task, weights: str = "float32") -> Prepared:
    stepper = elman.Stepper(_layer(task).eval(), rows=1, weights=weights)
    x = task.x[:, 0].copy()
    return Prepared(lambda: stepper(x), stepper(x).copy())  # the stepper returns a view of its own buffer


def bfloat16_step(task: Task) -> Prepared:
    return step(task, "bfloat16")


def int8_step(task: Task) -> Prepared:
    return step(task, "int8")


def bfloat16_inference(task: Task) -> Prepared:
    return _few_bits(task, "bfloat16")


def int8_inference(task: Task) -> Prepared:
    return _few_bits(task, "int8")


def _few_bits(task: Task, weights: str) -> Prepared:
    stepper, x = elman.Stepper(_layer(task).eval(), weights=weights), torch.from_numpy(task.x)
    return Prepared(lambda: stepper.run(x), stepper.run(x)[0].numpy())


def _layer(task: Task, backend: str = "auto") -> Recurrent:
    item = task.item
    layer = LAYERS[item.cell](item.input_size, item.hidden_size, bidirectional=item.directions == 2, backend=backend)
    layer.load_state_dict({name: torch.from_numpy(weight) for name, weight in task.weights.items()})
    return layer
