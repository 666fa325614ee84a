"""The head that decoding packs gives the log-probabilities of the head as it is, the same bits in any company."""

import copy

import pytest
import torch
from torch import nn

from elman.errors import ArgumentError
from elman.kernels import KERNELS
from elman.layers.native.projection import packed
from elman.layers.softmax import AdaptiveSoftmax, Projection, SampledSoftmax, log_softmax_of

SIZES = [(1, 1, 1), (5, 3, 7), (7, 16, 33), (64, 60, 1000), (13, 256, 2049), (2, 8, 15)]
needs_kernels = pytest.mark.skipif(KERNELS.library is None, reason="no kernels here")


def head_of(depth, symbols, size=None):
    torch.manual_seed(0)
    head = Projection(depth, symbols, size).eval()
    with torch.no_grad():
        head.weight *= 4
        head.bias.normal_(std=3)
    return head


@pytest.mark.parametrize(("rows", "depth", "symbols"), SIZES)
def test_packed_is_the_log_softmax_of_the_scores(rows, depth, symbols):
    head, x = head_of(depth, symbols), torch.randn(rows, depth)
    with torch.inference_mode():
        expected = head.double()(x.double()).log_softmax(-1)
        found = log_softmax_of(head.float(), packed=True)(x)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-5)


@needs_kernels
@pytest.mark.parametrize(("rows", "depth", "symbols"), SIZES)
def test_a_row_is_the_same_to_the_last_bit_in_any_company_and_on_any_number_of_threads(rows, depth, symbols):
    logs, x = log_softmax_of(head_of(depth, symbols), packed=True), torch.randn(rows, depth)
    threads = torch.get_num_threads()
    with torch.inference_mode():
        alone = torch.cat([logs(row[None]) for row in x])
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            try:
                torch.testing.assert_close(logs(x), alone, rtol=0, atol=0)
            finally:
                torch.set_num_threads(threads)


@needs_kernels
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("rows", "depth", "columns"), SIZES)
def test_a_packed_linear_map_gives_what_torch_gives_whatever_stands_before_the_last_dimension(
    rows, depth, columns, bias
):
    torch.manual_seed(0)
    linear, x = nn.Linear(depth, columns, bias), torch.randn(rows, 2, depth)
    with torch.inference_mode():
        found = packed(linear.weight, linear.bias)(x)
        assert torch.equal(found[:, 1], torch.cat([packed(linear.weight, linear.bias)(row[1:]) for row in x]))
        torch.testing.assert_close(found.double(), linear.double()(x.double()), rtol=1e-6, atol=1e-5)


@needs_kernels
def test_a_packed_linear_map_takes_any_layout_and_no_rows_and_refuses_another_width():
    linear = nn.Linear(6, 70)
    project, x = packed(linear.weight, linear.bias), torch.randn(3, 4, 6)
    with torch.inference_mode():
        torch.testing.assert_close(project(x.transpose(0, 1)), linear(x.transpose(0, 1)))
        torch.testing.assert_close(project(x.bfloat16()), linear(x.bfloat16().float()))
        assert project(x[:0]).shape == (0, 4, 70)
    with pytest.raises(ArgumentError, match="the last dimension of x must have shape"):
        project(x[..., :5])
    with pytest.raises(ArgumentError, match="packed weights must stay where they are"):
        copy.copy(project)
    assert packed(linear.double().weight) is None


@needs_kernels
def test_the_packed_weights_are_those_of_the_moment():
    head, x = head_of(8, 40), torch.randn(3, 8)
    with torch.inference_mode():
        logs, before = log_softmax_of(head, packed=True), log_softmax_of(head, packed=False)(x)
        head.weight.zero_()
        torch.testing.assert_close(logs(x), before)


@pytest.mark.parametrize(
    "head",
    [
        head_of(8, 40, size=3),
        SampledSoftmax(8, 40, samples=5).eval(),
        AdaptiveSoftmax(8, 40).eval(),
        nn.Linear(8, 40),
        head_of(8, 40).double(),
    ],
    ids=["reduced", "sampled", "adaptive", "linear", "double"],
)
def test_every_head_gives_log_probabilities_packed_or_not(head):
    x = torch.randn(9, 8, dtype=next(head.parameters()).dtype)
    with torch.inference_mode():
        fast, plain = (log_softmax_of(head, as_packed)(x) for as_packed in (True, False))
    torch.testing.assert_close(fast, plain, rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(plain.exp().sum(-1), torch.ones_like(plain[:, 0]))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_seen_in_its_row_and_only_there(bad):
    x = torch.randn(4, 8)
    x[2, 5] = bad
    with torch.inference_mode():
        found = log_softmax_of(head_of(8, 100), packed=True)(x)
    assert not found[2].isfinite().any()
    assert found[[0, 1, 3]].isfinite().all()
