"""Words by their characters: the word alone decides its vector."""

import pytest
import torch

from elman.errors import ArgumentError
from elman.layers import LSTM
from elman.layers.characters import CharacterEncoder

# Two rows of words over characters 1 to 6; a word of no characters is padding.
WORDS = [["abc", "a", "feda", ""], ["a", "abc", "", ""]]


def ids(words=WORDS, more_words: int = 0, more_characters: int = 0) -> torch.Tensor:
    """(B, T, L), with so much more padding."""
    longest = max(len(word) for row in words for word in row) + more_characters
    each = [[[ord(sign) - 96 for sign in word.ljust(longest, "`")] for word in row] for row in words]
    return torch.nn.functional.pad(torch.tensor(each), (0, 0, 0, more_words))


def encoder(kind: str, **options) -> CharacterEncoder:
    torch.manual_seed(0)
    return CharacterEncoder(7, 5, kind=kind, output=6, **options)


KINDS = pytest.mark.parametrize("kind", ["bilstm", "cnn"])


@KINDS
def test_more_padding_changes_no_bit(kind):
    module = encoder(kind)
    expected = module(ids())
    assert torch.equal(module(ids(more_characters=3)), expected)
    wider = module(ids(more_words=2, more_characters=1))
    assert torch.equal(wider[:, :4], expected)
    assert not wider[:, 4:].any()


@KINDS
def test_a_word_has_the_same_vector_wherever_it_stands_and_padding_has_zeros(kind):
    vectors = encoder(kind)(ids())
    assert torch.equal(vectors[0, 0], vectors[1, 1])
    assert torch.equal(vectors[0, 1], vectors[1, 0])
    assert not torch.equal(vectors[0, 0], vectors[0, 1])
    assert not vectors[0, 3].any()
    assert vectors[0, :3].any(1).all()


@KINDS
def test_batch_mates_change_nothing(kind):
    module = encoder(kind)
    together = module(ids())
    for row in (0, 1):
        alone = module(ids([[word for word in WORDS[row] if word]]))
        torch.testing.assert_close(alone[0], together[row, : alone.shape[1]], rtol=0, atol=1e-6)


@KINDS
def test_in_training_a_word_is_the_same_twice_and_another_the_next_time(kind):
    module = encoder(kind, dropout=0.5)
    first, second = module(ids()), module(ids())
    assert torch.equal(first[0, 0], first[1, 1])
    assert not torch.equal(first, second)
    assert not first[0, 3].any()
    assert torch.equal(module.eval()(ids()), module(ids()))


def test_the_vector_is_the_final_states_of_both_directions():
    module = encoder("bilstm")
    word = ids()[:1, 2]  # "feda"
    characters = torch.nn.functional.embedding(word, module.embedding.weight)
    plain = torch.nn.LSTM(5, 3, bidirectional=True, batch_first=True)
    plain.load_state_dict(module.body.state_dict())
    _, (hidden, _) = plain(characters)
    torch.testing.assert_close(module(ids())[0, 2], hidden.transpose(0, 1).reshape(6), rtol=0, atol=1e-6)
    assert isinstance(module.body, LSTM)


def test_the_vector_is_the_largest_of_all_places_of_three_characters():
    module = encoder("cnn")
    characters = module.embedding.weight[ids()[0, 2]]  # "feda", (4, 5)
    padded = torch.nn.functional.pad(characters, (0, 0, 1, 1))
    weight = module.body.weight.view(6, 3, 5)
    places = [(weight * padded[at : at + 3]).sum((1, 2)) + module.body.bias for at in range(len(characters))]
    torch.testing.assert_close(module(ids())[0, 2], torch.stack(places).amax(0), rtol=0, atol=1e-6)


@KINDS
def test_each_use_of_a_word_adds_to_the_gradient_and_padding_has_none(kind):
    module = encoder(kind).double()
    weight = module.embedding.weight
    (twice,) = torch.autograd.grad(module(ids()).sum(), weight)
    single = [torch.autograd.grad(module(ids([[word]])).sum(), weight)[0] for row in WORDS for word in row if word]
    torch.testing.assert_close(twice, sum(single), rtol=0, atol=1e-12)
    assert not twice[0].any()


@KINDS
@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (2, 3, 4)])
def test_a_batch_without_characters_gives_zeros(kind, shape):
    vectors = encoder(kind)(torch.zeros(shape, dtype=torch.long))
    assert vectors.shape == (*shape[:2], 6)
    assert not vectors.any()


def test_what_does_not_fit_is_refused():
    for options, message in [
        ({"kind": "rnn"}, "kind must be one of bilstm, cnn"),
        ({"output": 7}, "output must be even"),
        ({"output": 0}, "output must be at least 1"),
        ({"dropout": 2}, "dropout must be a fraction, at least 0 and below 1"),
    ]:
        with pytest.raises(ArgumentError, match=message):
            CharacterEncoder(7, **options)
    with pytest.raises(ArgumentError, match="ids must have shape"):
        CharacterEncoder(7)(torch.zeros(2, 3, dtype=torch.long))
