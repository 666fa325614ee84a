"""Dropout draws what torch draws, to the last bit, whoever draws it."""

import subprocess
import sys
import threading

import pytest
import torch

from elman.kernels.library import KERNELS
from elman.layers import drop_out
from elman.layers.native.draws import draws_as_torch


@pytest.mark.parametrize("share", [0.0, 0.1, 0.15, 0.35, 0.45, 0.5, 0.71, 0.9, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_is_torchs_to_the_last_bit_and_draws_as_much(share, dtype):
    cube = torch.randn(7, 31, 10, dtype=dtype)
    for x in (cube[0, 0, :1], cube, cube.permute(2, 0, 1), cube[:, ::2], cube.expand(2, *cube.shape), cube[:0]):
        found = []
        for function in (drop_out, torch.nn.functional.dropout):
            leaf = x.detach().requires_grad_()
            torch.manual_seed(0)
            torch.rand(3)  # of one word each, so that the words of a double may stand in two generations
            y = function(leaf, share, True)
            y.sum().backward()
            found.append((y, leaf.grad, torch.get_rng_state()))
        assert all(map(torch.equal, *found))
    assert drop_out(x, share, training=False) is x


def test_dropout_is_drawn_by_a_kernel_where_there_are_kernels():
    assert draws_as_torch() == (KERNELS.library is not None)


def test_threads_that_drop_out_at_once_draw_numbers_of_their_own():
    masks: list[bytes] = []

    def draw() -> None:
        masks.extend(drop_out(torch.ones(4096), 0.5).numpy().tobytes() for _ in range(100))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(masks)) == 400


@pytest.mark.parametrize("default", ["torch.set_default_dtype(torch.bfloat16)", "torch.set_default_device('meta')"])
def test_torchs_defaults_do_not_matter_to_the_first_dropout(default):
    lines = [
        "import torch",
        "from elman.layers.native.draws import draws_as_torch",
        "from elman.kernels.library import KERNELS",
    ]
    lines += [default, "assert draws_as_torch() == (KERNELS.library is not None)"]
    assert subprocess.run([sys.executable, "-c", "; ".join(lines)]).returncode == 0


def test_dropout_is_torchs_where_a_function_is_transformed():
    ones = torch.ones(300, 4)
    each = torch.func.vmap(lambda x: drop_out(x, 0.5), randomness="different")(ones)
    assert len(each.unique(dim=0)) > 1
    torch.manual_seed(0)
    expected = drop_out(ones, 0.5)
    torch.manual_seed(0)
    assert torch.equal(torch.func.grad(lambda x: drop_out(x, 0.5).sum())(ones), expected)
