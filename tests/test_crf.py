"""The conditional random field: every sum and every best path as brute force over all paths has them."""

import math
from itertools import pairwise, product

import pytest
import torch
from torch_oracle import DecodingCRF

from elman.errors import ArgumentError
from elman.layers.crf import CRF

LENGTHS = [4, 0, 1, 3, 4]


def random_crf(tags: int, scale: float = 1.0, dtype: torch.dtype = torch.float64, **masks) -> DecodingCRF:
    crf = DecodingCRF(tags, **masks).to(dtype)
    generator = torch.Generator().manual_seed(tags)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return crf


def random_rows(tags: int, lengths=LENGTHS, scale: float = 1.0, dtype=torch.float64):
    """Scores (B, T, K), tags (B, T) and lengths (B,)."""
    generator = torch.Generator().manual_seed(7)
    scores = scale * torch.randn(len(lengths), max(lengths), tags, generator=generator, dtype=torch.float64)
    path = torch.randint(0, tags, scores.shape[:2], generator=generator)
    return scores.to(dtype), path, torch.tensor(lengths)


def path_score(crf: CRF, scores: torch.Tensor, path: tuple[int, ...]) -> float:
    """s(y) of one row without padding, term by term."""
    if not path:
        return 0.0
    start, transitions, end = (parameter.tolist() for parameter in (crf.start, crf.transitions, crf.end))
    total = start[path[0]] + end[path[-1]] + sum(float(scores[t, tag]) for t, tag in enumerate(path))
    return total + sum(transitions[a][b] for a, b in pairwise(path))


def all_paths(crf: CRF, scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    return {path: path_score(crf, scores, path) for path in product(range(crf.tags), repeat=len(scores))}


def log_of_sum(values) -> float:
    return float(torch.tensor(list(values), dtype=torch.float64).logsumexp(0))


# Of scale 400, sums by products would lose terms that count, and logarithms are taken instead.
@pytest.mark.parametrize("scale", [1.0, 400.0])
@pytest.mark.parametrize("tags", [1, 2, 4])
def test_likelihood_marginals_and_best_paths_are_those_of_brute_force(tags, scale):
    crf, (scores, path, lengths) = random_crf(tags, scale), random_rows(tags, scale=scale)

    likelihood, marginals = crf.log_likelihood(scores, path, lengths).detach(), crf.marginals(scores, lengths)
    best, best_scores = crf.viterbi(scores, lengths)

    for row, length in enumerate(LENGTHS):
        paths = all_paths(crf, scores[row, :length])
        total = log_of_sum(paths.values())
        assert float(likelihood[row]) == pytest.approx(
            paths[tuple(path[row, :length].tolist())] - total, rel=1e-12, abs=1e-9
        )
        assert float(best_scores[row]) == pytest.approx(max(paths.values()), abs=1e-9)
        assert tuple(best[row]) == max(paths, key=paths.get)
        for t in range(length):
            for tag in range(tags):
                share = [score for found, score in paths.items() if found[t] == tag]
                expected = math.exp(log_of_sum(share) - total)
                assert float(marginals[row, t, tag]) == pytest.approx(expected, abs=1e-9)
        assert not marginals[row, length:].any()
    assert likelihood[1] == best_scores[1] == 0


def known_or_not(path: torch.Tensor) -> torch.Tensor:
    """A path with every third tag not known, and the whole of the last row but one."""
    some = path.clone()
    some.view(-1)[::3] = -1
    some[-2] = -1
    return some


@pytest.mark.parametrize("scale", [1.0, 400.0])
@pytest.mark.parametrize("tags", [1, 2, 4])
def test_tags_that_are_not_known_are_summed_over_as_brute_force_does(tags, scale):
    crf, (scores, path, lengths) = random_crf(tags, scale), random_rows(tags, scale=scale)
    some = known_or_not(path)

    likelihood = crf.log_likelihood(scores, some, lengths).detach()

    for row, length in enumerate(LENGTHS):
        paths, known = all_paths(crf, scores[row, :length]), some[row, :length].tolist()
        fits = [
            value for path, value in paths.items() if all(k in (-1, tag) for k, tag in zip(known, path, strict=True))
        ]
        expected = log_of_sum(fits) - log_of_sum(paths.values())
        assert float(likelihood[row]) == pytest.approx(expected, abs=1e-9 * scale)
    whole = (some >= 0).all(1)
    assert torch.equal(likelihood[whole], crf.log_likelihood(scores, path, lengths)[whole])
    crf.log_likelihood(scores.requires_grad_(), some, lengths).sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in (scores, *crf.parameters()))


def test_of_tags_that_are_not_known_the_gradient_is_that_of_differences():
    crf, (scores, path, lengths) = random_crf(3), random_rows(3)
    some, inputs = known_or_not(path), (scores.requires_grad_(), *crf.parameters())

    assert torch.autograd.gradcheck(lambda *_: crf.log_likelihood(scores, some, lengths), inputs)


def test_of_paths_that_tie_one_with_the_best_score_is_found():
    crf = DecodingCRF(3).double()
    scores = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [5.0, 5.0, 5.0]]], dtype=torch.float64)

    (best,), found = crf.viterbi(scores, torch.tensor([3]))

    assert float(found) == path_score(crf, scores[0], tuple(best)) == 8


@pytest.mark.parametrize("scale", [1.0, 400.0])
def test_the_gradient_is_that_of_differences(scale):
    crf, (scores, path, lengths) = random_crf(3, scale), random_rows(3, scale=scale)
    names, values = zip(*crf.named_parameters(), strict=True)

    def likelihood(scores, *values):
        lent = dict(zip(names, values, strict=True))
        return torch.func.functional_call(crf, lent, (scores, path, lengths))

    crf.forward = crf.log_likelihood  # what `functional_call` calls
    inputs = (scores.requires_grad_(), *(value.detach().clone().requires_grad_() for value in values))
    assert torch.autograd.gradcheck(likelihood, inputs, atol=1e-6)


def test_float32_is_near_float64_where_sums_by_products_would_lose_terms():
    exact, (scores, path, lengths) = random_crf(5, 60.0), random_rows(5, scale=60.0)
    crf = random_crf(5, 60.0, torch.float32)

    likelihood = crf.log_likelihood(scores.float(), path, lengths)
    likelihood.sum().backward()
    truth = exact.log_likelihood(scores, path, lengths)
    truth.sum().backward()

    torch.testing.assert_close(likelihood.double(), truth, rtol=1e-5, atol=1e-3)
    for ours, theirs in zip(crf.parameters(), exact.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=0, atol=1e-3)


def test_a_long_row_loses_no_digits():
    crf, (scores, path, lengths) = random_crf(4), random_rows(4, [3000])
    truth = float(crf.log_likelihood(scores, path, lengths).detach())

    found = random_crf(4, dtype=torch.float32).log_likelihood(scores.float(), path, lengths).item()

    assert found == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), 1e30])
def test_poison_in_the_padding_changes_no_bit(poison):
    crf, (scores, path, lengths) = random_crf(4), random_rows(4)
    poisoned, odd = scores.clone(), path.clone()
    for row, length in enumerate(LENGTHS):
        poisoned[row, length:], odd[row, length:] = poison, -100
    gradients = []
    for given, tags in ((scores, path), (poisoned, odd)):
        given.requires_grad_()
        crf.zero_grad()
        crf.log_likelihood(given, tags, lengths).sum().backward()
        gradients.append([given.grad, *(parameter.grad.clone() for parameter in crf.parameters())])

    for clean, dirty in zip(*gradients, strict=True):
        assert torch.equal(clean, dirty)
    assert torch.equal(crf.log_likelihood(scores, path, lengths), crf.log_likelihood(poisoned, odd, lengths))
    assert torch.equal(crf.marginals(scores, lengths), crf.marginals(poisoned, lengths))
    assert crf.viterbi(scores, lengths)[0] == crf.viterbi(poisoned, lengths)[0]


def test_a_row_answers_the_same_alone():
    crf, (scores, path, lengths) = random_crf(4), random_rows(4)
    likelihood, marginals = crf.log_likelihood(scores, path, lengths), crf.marginals(scores, lengths)
    best, best_scores = crf.viterbi(scores, lengths)

    for row, length in enumerate(LENGTHS):
        one, own, alone = scores[row : row + 1, :length], path[row : row + 1, :length], lengths[row : row + 1]
        torch.testing.assert_close(crf.log_likelihood(one, own, alone)[0], likelihood[row], rtol=0, atol=1e-12)
        torch.testing.assert_close(crf.marginals(one, alone)[0], marginals[row, :length], rtol=0, atol=1e-12)
        (found,), score = crf.viterbi(one, alone)
        assert found == best[row]
        torch.testing.assert_close(score[0], best_scores[row], rtol=0, atol=1e-12)


def test_a_batch_without_steps_has_gradients_of_zero():
    crf, scores = DecodingCRF(3), torch.zeros(2, 0, 3, requires_grad=True)
    lengths = torch.zeros(2, dtype=torch.long)
    crf.log_likelihood(scores, torch.zeros(2, 0, dtype=torch.long), lengths).sum().backward()
    assert scores.grad.shape == scores.shape
    assert crf.viterbi(scores, lengths)[0] == [[], []]
    assert crf.marginals(scores, lengths).shape == (2, 0, 3)


def test_the_best_allowed_path_is_that_of_brute_force_over_allowed_paths():
    allowed = torch.tensor([[True, True, False], [True, True, True], [True, False, True]])
    allowed_first = torch.tensor([True, False, True])
    crf, (scores, path, lengths) = random_crf(3, allowed=allowed, allowed_first=allowed_first), random_rows(3)

    best, best_scores = crf.viterbi(scores, lengths)

    assert best != random_crf(3).viterbi(scores, lengths)[0]
    for row, length in enumerate(LENGTHS):
        paths = {
            found: score
            for found, score in all_paths(crf, scores[row, :length]).items()
            if all(allowed[a, b] for a, b in pairwise(found)) and all(allowed_first[tag] for tag in found[:1])
        }
        assert tuple(best[row]) == max(paths, key=paths.get)
        assert float(best_scores[row]) == pytest.approx(max(paths.values()), abs=1e-9)
    torch.testing.assert_close(
        crf.log_likelihood(scores, path, lengths), random_crf(3).log_likelihood(scores, path, lengths), rtol=0, atol=0
    )
    assert set(crf.state_dict()) == {"start", "transitions", "end"}


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match="tags must be at least 1"):
        CRF(0)
    with pytest.raises(ArgumentError, match="scores must have shape"):
        CRF(3).log_likelihood(torch.zeros(1, 2, 4), torch.zeros(1, 2).long(), torch.tensor([2]))


@pytest.mark.parametrize("given", [[3], [-1], [2.0]])
def test_lengths_that_do_not_fit_are_refused(given):
    crf, scores, lengths = CRF(3), torch.zeros(1, 2, 3), torch.tensor(given)
    with pytest.raises(ArgumentError, match=r"CRF: lengths must (lie between 0 and T = 2|be integers), got"):
        crf.log_likelihood(scores, torch.zeros(1, 2).long(), lengths)
