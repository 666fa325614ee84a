"""Fields: what a cell becomes, what a network's answer becomes, and the losses between them, by hand or by NumPy."""

import gzip
import json
import math

import numpy as np
import pytest
import torch

import elman
from elman.encoders import ENCODERS
from elman.errors import BadValueError, ConfigError, DataError
from elman.fields import Category, Field, Number, Series, Text
from elman.heads import HEADS

VECTORS = {"good": [1.0, 0.0, 2.0], "dull": [0.5, -1.0, 3.0], "splendid": [7.0, 8.0, 9.0]}


def fitted(field: Field, values: list) -> Field:
    field.fit([field.parse(value) for value in values])
    return field


def again(field: Field, **options: object) -> Field:
    """A field of the same class that knows only what was written to JSON."""
    other = type(field)(field.name, **options)
    other.restore(json.loads(json.dumps(field.learned())))
    return other


def ids(field: Field, raw: object) -> list[int]:
    return field.encode(field.parse(raw)).tolist()


@pytest.fixture
def vectors(tmp_path):
    """A file in GloVe's format."""
    lines = "".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in VECTORS.items())
    (tmp_path / "vectors.txt").write_text(lines)
    with gzip.open(tmp_path / "vectors.txt.gz", "wt") as file:
        file.write("3 3\n" + lines)  # with word2vec's header
    return tmp_path / "vectors.txt"


WORDS = [
    ("Don't panic", ["Do", "n't", "panic"]),
    ("it's he'll I'm we've", ["it", "'s", "he", "'ll", "I", "'m", "we", "'ve"]),
    ("1,000.5 3.14", ["1,000.5", "3.14"]),
    ("well-known -", ["well-known", "-"]),
    ("wait... what?!", ["wait", "...", "what", "?", "!"]),
    ("naïve café, 東京", ["naïve", "café", ",", "東京"]),
]


@pytest.mark.parametrize(("text", "pieces"), WORDS)
def test_words_are_cut_as_the_penn_treebank_has_them(text, pieces):
    field = fitted(Text("x", min_count=1), [text])

    assert field.step_names(text) == pieces
    assert len(field.encode(text)) == len(pieces)
    assert 1 not in field.encode(text)


def test_words_fold_case_unless_told_otherwise():
    assert ids(fitted(Text("x", min_count=1), ["Good"]), "gOOD") == [2]
    assert ids(fitted(Text("x", min_count=1, lowercase=False), ["Good"]), "good") == [1]
    assert ids(fitted(Text("x", tokenizer="character"), ["G"]), "g") == [1]


def test_characters_are_code_points_line_breaks_included():
    field = fitted(Text("x", tokenizer="character"), ["a\n\té"])

    assert field.step_names("é\n\ta") == ["é", "\n", "\t", "a"]
    assert sorted(ids(field, "e\u0301\n\ta")) == [2, 3, 4, 5]  # composed first: é is one character


@pytest.mark.parametrize("text", ["plain", "naïve 東京 🎵", "\x00\x7f\n\r\u2028", "e\u0301"])
def test_bytes_know_every_text(text):
    field = fitted(Text("x", tokenizer="byte"), ["nothing of it"])

    encoded = field.encode(text)

    assert len(field.vocabulary) == 258
    assert 1 not in encoded
    assert len(encoded) == len("é".encode() if text == "e\u0301" else text.encode())


def test_rare_words_are_the_unknown_word_and_new_ones_too():
    field = fitted(Text("x"), ["good good dull", "good fun"])

    assert ids(field, "good dull quokka") == [2, 1, 1]
    assert field.step_names("good quokka") == ["good", "quokka (unknown)"]
    assert "40.0 % of the training text unknown" in field.describe()


def test_the_vocabulary_keeps_the_most_frequent_tokens():
    field = fitted(Text("x", min_count=1, max_vocabulary=4), ["a a a b b c"])

    assert field.vocabulary == ["<pad>", "<unk>", "a", "b"]


@pytest.mark.parametrize("tokenizer", ["word", "character", "byte"])
def test_a_text_field_is_restored_from_json(tokenizer):
    field = fitted(Text("x", tokenizer=tokenizer), ["Good fun, good time", "naïve"])

    for text in ("Good fun quokka", "naïve 🎵"):
        assert again(field, tokenizer=tokenizer).encode(text).tolist() == field.encode(text).tolist()


def test_word_dropout_reaches_the_unknown_word_and_only_while_training():
    field = fitted(Text("x", min_count=1, dropout=0.0, word_dropout=1 - 1e-9), ["good fun"])
    encoder, tokens = ENCODERS[field.kind](field), torch.tensor([[2, 3]])

    assert torch.equal(encoder.train()(tokens), encoder.weight[torch.tensor([[1, 1]])])
    assert torch.equal(encoder.eval()(tokens), encoder.weight[tokens])


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(("which", "known"), [("training", {"good"}), ("all", {"good", "dull", "splendid"})])
def test_words_start_from_their_vectors(which, known, ending, vectors):
    field = fitted(Text("x", min_count=1, vectors=f"{vectors}{ending}", vectors_words=which), ["good quokka"])

    weight = ENCODERS[field.kind](field).weight.detach()

    assert set(field.vocabulary) == {"<pad>", "<unk>", "good", "quokka"} | known
    for word in known:
        assert weight[field.vocabulary.index(word)].tolist() == VECTORS[word]
    assert weight[field.vocabulary.index("quokka")].abs().max() < 0.6  # small and random
    assert f"{len(known)} with pretrained vectors" in field.describe()


@pytest.mark.parametrize("tune", [True, False])
def test_vectors_are_tuned_or_stay_as_they_are(tune, vectors):
    rows = {"x": ["good good fun", "dull dull bore"] * 20, "y": ["yes", "no"] * 20}
    options = {"kind": "text", "vectors": str(vectors), "tune": tune}

    model = elman.train(rows, input={"x": options}, target="y", hidden=2, epochs=2, quiet=True)

    row = model.input.vocabulary.index("good")
    assert (model.network.encoders[0].weight[row].tolist() == VECTORS["good"]) is not tune


def test_vectors_that_do_not_fit_are_refused(vectors):
    with pytest.raises(ConfigError, match="embedding must be 3, as the vectors have it"):
        fitted(Text("x", vectors=str(vectors), embedding=4), ["good good"])
    with pytest.raises(DataError, match="none in common"):
        fitted(Text("x", vectors=str(vectors)), ["quokka quokka"])
    vectors.write_text("good 1 2 3\ndull 1 2\n")
    with pytest.raises(DataError, match=r"vectors.txt:2: .* 2 numbers after the word, not 3"):
        fitted(Text("x", vectors=str(vectors)), ["good good"])


CLASSES = [  # raw values, the answers for them, the classes in their order
    (["10", "9", "-1"], [10, 9, -1], [-1, 9, 10]),
    ([10, 9, -1], [10, 9, -1], [-1, 9, 10]),
    ([1.0, 0.0], [1, 0], [0, 1]),
    ([True, False], [True, False], [False, True]),
    (["01", "1", "2"], ["01", "1", "2"], ["01", "1", "2"]),
    (["yes", " no ", "maybe"], ["yes", "no", "maybe"], ["maybe", "no", "yes"]),
    (["9" * 5000, "8"], ["9" * 5000, "8"], ["8", "9" * 5000]),
]


@pytest.mark.parametrize(("raw", "answers", "classes"), CLASSES, ids=lambda value: str(value)[:20])
def test_a_class_comes_back_as_it_went_in(raw, answers, classes):
    field = fitted(Category("y"), raw)
    for known in (field, again(field)):
        encoded = [ids(known, value) for value in raw]
        back = known.decode(np.eye(len(classes))[encoded])

        assert (back, known.labels()) == (answers, classes)
        assert list(map(type, back)) == list(map(type, answers))  # for 1 == True


def test_an_unseen_class_is_refused_with_the_classes():
    with pytest.raises(BadValueError, match=r"2 classes of the training split \(no, yes\), got 'maybe'"):
        fitted(Category("y"), ["yes", "no"]).encode("maybe")


WEIGHTS = [
    ("balanced", [6 / (3 * 1), 6 / (3 * 2), 6 / (3 * 3)]),  # rows / (classes * rows of the class)
    ({"b": 2.5, "c": 0.0}, [1.0, 2.5, 0.0]),
    ("none", None),
]


@pytest.mark.parametrize(("class_weights", "expected"), WEIGHTS)
def test_class_weights_multiply_the_loss_of_their_rows(class_weights, expected):
    field = fitted(Category("y", class_weights=class_weights), list("abbccc"))
    logits, target = torch.randn(6, 3, generator=torch.manual_seed(0)), torch.tensor([0, 1, 1, 2, 2, 2])

    loss = HEADS[field.kind](field, 5).loss(logits, target)

    values = logits.double().numpy()
    by_hand = np.log(np.exp(values).sum(1)) - values[np.arange(6), target]
    np.testing.assert_allclose(loss, by_hand * (1.0 if expected is None else np.array(expected)[target]), rtol=1e-5)


def test_a_sigmoid_head_predicts_what_a_softmax_head_predicts_for_matching_logits():
    logit, target = torch.linspace(-6, 6, 7)[:, None], torch.tensor([0, 1, 0, 1, 0, 1, 1])
    pair = torch.cat([torch.zeros_like(logit), logit], 1)
    for weights in ("none", "balanced", {"yes": 3.0}):
        sigmoid = fitted(Category("y", head="sigmoid", class_weights=weights), ["no", "yes", "yes"])
        softmax = fitted(Category("y", class_weights=weights), ["no", "yes", "yes"])

        one_logit, two_logits = (HEADS[field.kind](field, 5) for field in (sigmoid, softmax))

        torch.testing.assert_close(one_logit.loss(logit, target), two_logits.loss(pair, target))
        assert sigmoid.decode(logit.numpy()) == softmax.decode(pair.numpy())
        for one, two in zip(sigmoid.probabilities(logit.numpy()), softmax.probabilities(pair.numpy()), strict=True):
            assert one == pytest.approx(two, abs=1e-6)
        assert [head(torch.zeros(3, 5)).shape for head in (one_logit, two_logits)] == [(3, 1), (3, 2)]


ERRORS = {
    "mse": lambda error: error**2,
    "mae": np.abs,
    "huber": lambda error: np.where(np.abs(error) < 1, error**2 / 2, np.abs(error) - 0.5),
}


@pytest.mark.parametrize("loss", ERRORS)
def test_number_losses_are_those_of_numpy(loss):
    output, target = np.array([[0.2], [-3.0], [5.0]], np.float32), np.array([0.0, 1.0, 4.9], np.float32)

    head = HEADS["number"](Number("y", loss=loss), 5)
    found = head.loss(torch.from_numpy(output), torch.from_numpy(target))

    np.testing.assert_allclose(found, ERRORS[loss](output[:, 0] - target), rtol=1e-6)


def test_a_number_is_scaled_for_the_network_and_answered_in_its_own_unit():
    values = [1000.0, "1010", 1050, -3e3]
    field = fitted(Number("y"), values)
    for known in (field, again(field)):
        encoded = np.array([ids(known, value) for value in values], np.float32)

        assert float(encoded.mean()) == pytest.approx(0, abs=1e-6)
        assert float(encoded.std()) == pytest.approx(1, rel=1e-6)
        assert known.decode(encoded[:, None]) == pytest.approx([1000, 1010, 1050, -3000], rel=1e-5)


@pytest.mark.parametrize("raw", ["", "n/a", None, "1,5", "nan", "-inf", math.inf, [1], "1 2"])
def test_what_is_no_finite_number_is_refused(raw):
    with pytest.raises(BadValueError, match="number, got"):
        Number("y").parse(raw)


FILLED = [  # steps 10, missing, 30, missing have mean 20 and deviation 10
    ("forward", [[None, 10, None, None, 30]], [0, -1, -1, -1, 1]),
    ("mean", [[None, 10, None, None, 30]], [0, -1, 0, 0, 1]),
]


@pytest.mark.parametrize(("missing", "series", "expected"), FILLED)
def test_a_missing_value_is_filled_as_documented(missing, series, expected):
    field = fitted(Series("s", missing=missing), series)

    assert field.encode(field.parse(series[0])).ravel().tolist() == expected
    assert "3 of 5 values missing" in field.describe()


def test_a_missing_value_is_refused_where_it_must_be():
    with pytest.raises(BadValueError, match="no missing value, got one at step 1"):
        Series("s", missing="refuse").parse([1, None, 3])


def test_each_channel_of_a_series_is_scaled_on_its_own():
    rows = [[[1, 100, 5], [3, 300, 5]], [[5, 200, 5]]]
    field = fitted(Series("s"), rows)
    steps = np.concatenate([np.array(row, dtype=float) for row in rows])
    expected = (steps - steps.mean(0)) / np.where(steps.std(0) > 0, steps.std(0), 1)
    for known in (field, again(field)):
        encoded = np.concatenate([known.encode(known.parse(json.dumps(row))) for row in rows])

        np.testing.assert_allclose(encoded, expected, rtol=1e-6)
        assert encoded.dtype == np.float32
        assert (encoded[:, 2] == 0).all()  # a channel that never changes


@pytest.mark.parametrize(
    "raw", ["x", "[]", "[[]]", "[1, [2]]", "[[1], [2, 3]]", '["a"]', "5", None, "[[[1]]]", "[1e999]"]
)
def test_what_is_no_series_is_refused(raw):
    with pytest.raises(BadValueError):
        Series("s").parse(raw)
