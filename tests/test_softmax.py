"""Heads for large vocabularies: one distribution, its loss, and what is sampled or shared to train it cheaply."""

import pytest
import torch
from torch import nn

from elman.errors import ArgumentError
from elman.layers.softmax import AdaptiveSoftmax, Projection, SampledSoftmax

V, H = 40, 16
HEADS = {
    "projection": lambda: Projection(H, V),
    "projection-small": lambda: Projection(H, V, size=5),
    "sampled": lambda: SampledSoftmax(H, V, samples=8),
    "sampled-small": lambda: SampledSoftmax(H, V, samples=8, size=5),
    "adaptive": lambda: AdaptiveSoftmax(H, V),
    "adaptive-groups": lambda: AdaptiveSoftmax(H, V, cutoffs=[1, 2, 30, 39]),
}


def drawn_head(name: str) -> nn.Module:
    torch.manual_seed(0)
    head = HEADS[name]().double()
    for parameter in head.parameters():
        nn.init.normal_(parameter)
    return head


def rows(count: int = V) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (N, H), and every symbol as a target in turn."""
    torch.manual_seed(1)
    return torch.randn(count, H, dtype=torch.float64), torch.arange(count) % V


@pytest.mark.parametrize("name", HEADS)
def test_probabilities_are_one_in_sum_and_the_loss_is_minus_their_logarithm(name):
    head, (features, target) = drawn_head(name).eval(), rows()
    output = head(features)
    logs = output.log_softmax(-1)

    assert output.shape == (V, V)
    if name.startswith("adaptive"):
        torch.testing.assert_close(output, logs, rtol=0, atol=1e-12)
    torch.testing.assert_close(head.loss(features, target), -logs.gather(1, target[:, None])[:, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", HEADS)
def test_a_row_answers_the_same_alone_and_no_rows_answer_nothing(name):
    head, (features, target) = drawn_head(name).eval(), rows()
    together = head.loss(features, target)

    for row in (0, 17, V - 1):
        alone = head.loss(features[row : row + 1], target[row : row + 1])
        torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-12)
    assert head.loss(features[:0], target[:0]).shape == (0,)
    assert head(features[:0]).shape == (0, V)


@pytest.mark.parametrize("name", ["adaptive", "adaptive-groups"])
def test_the_adaptive_loss_has_the_gradient_of_the_whole_distribution(name):
    head, (features, target) = drawn_head(name), rows()
    found = torch.autograd.grad(head.loss(features, target).sum(), [*head.parameters()])
    exact = torch.autograd.grad(-head(features).gather(1, target[:, None]).sum(), [*head.parameters()])
    torch.testing.assert_close(found, exact, rtol=0, atol=1e-10)


def test_the_sampled_gradient_is_the_exact_one_in_the_mean():
    head, (features, target) = SampledSoftmax(H, V, samples=400).double(), rows(8)
    exact = torch.autograd.grad(head.eval().loss(features, target).sum(), [*head.parameters()])
    head.train()
    torch.manual_seed(5)

    draws = [torch.autograd.grad(head.loss(features, target).sum(), [*head.parameters()]) for _ in range(300)]

    for at, truth in enumerate(exact):
        mean = torch.stack([draw[at] for draw in draws]).mean(0)
        assert float((mean - truth).norm() / truth.norm()) < 0.02
        assert not torch.equal(draws[0][at], draws[1][at])


def test_few_samples_give_the_whole_sum_in_the_mean():
    head, (features, target) = drawn_head("sampled"), rows(3)
    logits = head(features)
    right = logits.gather(1, target[:, None])[:, 0]
    torch.manual_seed(2)

    sums = torch.stack([(head.loss(features, target) + right).exp().detach() for _ in range(2000)])

    truth = logits.exp().sum(1).detach()
    error = sums.std(0) / len(sums) ** 0.5
    assert ((sums.mean(0) - truth).abs() < 4 * error).all()


def test_samples_come_from_the_seed_and_reach_every_symbol():
    head, (features, target) = drawn_head("sampled"), rows()
    losses = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        losses.append(head.loss(features, target))
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    reached = torch.zeros(V)
    for _ in range(200):
        head.zero_grad()
        head.loss(features[:1], target[:1]).sum().backward()
        reached += head.bias.grad != 0
    assert (reached > 0).all()


@pytest.mark.parametrize("name", ["projection-small", "sampled-small"])
def test_a_tied_weight_is_one_parameter_with_the_gradient_of_both_uses(name):
    embedding, head = nn.Embedding(V, 5).double(), drawn_head(name).eval()
    features, target = rows()
    apart = head.weight.detach().clone().requires_grad_()
    embedding.weight.data.copy_(apart)
    nn.functional.embedding(target, apart).sum().backward()
    head.loss(features, target).sum().backward()
    expected = head.weight.grad + apart.grad

    head.tie(embedding.weight)
    (embedding(target).sum() + head.loss(features, target).sum()).backward()

    both = nn.ModuleDict({"embedding": embedding, "head": head})
    assert len([*both.parameters()]) == len([*head.parameters()])
    assert both.state_dict()["head.weight"].data_ptr() == both.state_dict()["embedding.weight"].data_ptr()
    torch.testing.assert_close(embedding.weight.grad, expected, rtol=0, atol=1e-12)
    assert head.weight.grad is embedding.weight.grad


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Projection(0, V), "input_size must be at least 1"),
        (lambda: Projection(H, V, size=0), "size must be at least 1"),
        (lambda: SampledSoftmax(H, V, samples=0), "samples must be at least 1"),
        (lambda: Projection(H, V, size=5).tie(nn.Parameter(torch.zeros(V, H))), "embedding_weight must have shape"),
        (lambda: AdaptiveSoftmax(H, 1), "vocabulary_size must be at least 2"),
        *(
            (lambda cutoffs=cutoffs: AdaptiveSoftmax(H, V, cutoffs), "cutoffs must rise from at least 1 to at most 39")
            for cutoffs in ([], [0], [V], [5, 5], [7, 3])
        ),
    ],
)
def test_sizes_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ArgumentError, match=message):
        build()
