"""Metrics are what their names say: by hand, by a second way of counting, and by the standard packages."""

import builtins
import math
import random
from itertools import chain

import pytest
import sacrebleu
from sklearn.metrics import accuracy_score, f1_score

from elman.errors import ArgumentError, MissingExtraError
from elman.metrics import METRICS, signature

TAGS = ["O", "B-x", "I-x", "B-y", "I-y"]


def score(name: str, *arguments: object) -> float:
    return METRICS[name].score(*arguments)


def conlleval(predicted: list[list[str]], true: list[list[str]]) -> float:
    """The way of the script: one walk over all tokens, an open chunk is right as long as both sides agree."""

    def borders(before: str, now: str) -> tuple[bool, bool]:
        (tag0, _, kind0), (tag1, _, kind1) = before.partition("-"), now.partition("-")
        other = kind0 != kind1
        ends = tag0 != "O" and (tag1 in ("B", "O") or other)
        begins = tag1 != "O" and (tag1 == "B" or tag0 == "O" or other)
        return ends, begins

    right = said = are = 0
    for answer, truth in zip(predicted, true, strict=True):
        agree = False
        last_a = last_t = "O"
        for a, t in zip([*answer, "O"], [*truth, "O"], strict=True):
            (ends_a, begins_a), (ends_t, begins_t) = borders(last_a, a), borders(last_t, t)
            if agree and ends_a and ends_t:
                right += 1
            if ends_a or ends_t:
                agree = False
            if begins_a and begins_t and a[2:] == t[2:]:
                agree = True
            elif begins_a or begins_t:
                agree = False
            said, are = said + begins_a, are + begins_t
            last_a, last_t = a, t
    precision, recall = right / said if said else 0.0, right / are if are else 0.0
    return 200 * precision * recall / (precision + recall) if right else 0.0


SPANS = [  # said, true, F1
    (["B-x", "I-x", "O"], ["B-x", "I-x", "O"], 100),
    (["I-x", "I-x", "O"], ["B-x", "I-x", "O"], 100),  # I after O begins a span
    (["B-x", "B-x", "O"], ["B-x", "I-x", "O"], 0),
    (["I-x", "B-x", "I-x"], ["B-x", "B-x", "I-x"], 100),
    (["B-x", "I-y", "I-y"], ["B-x", "B-y", "I-y"], 100),  # and so does I after another kind
    (["B-x", "I-x", "I-x"], ["B-x", "I-x", "O"], 0),
    (["B-x", "O", "B-y"], ["B-x", "O", "O"], 200 / 3),
    (["B-x", "I-y", "O"], ["B-x", "O", "O"], 200 / 3),
    (["O", "O", "O"], ["O", "O", "O"], 0),
    (["S-x", "S-x", "B-y", "I-y", "E-y"], ["B-x", "B-x", "B-y", "I-y", "I-y"], 100),
    (["B-x", "E-x", "E-x"], ["B-x", "I-x", "B-x"], 100),
    (["B", "I", "O"], ["B", "I", "O"], 100),
    (["NOUN", "VERB", "."], ["NOUN", "VERB", "."], 0),  # no tags of spans
    ([], [], 0),
]


@pytest.mark.parametrize(("said", "true", "f1"), SPANS)
def test_span_f1_by_hand(said, true, f1):
    assert score("span_f1", [said], [true]) == pytest.approx(f1, abs=1e-12)


def test_span_f1_counts_as_conlleval_does():
    draw = random.Random(0)
    for _ in range(300):
        true = [[draw.choice(TAGS) for _ in range(draw.randrange(9))] for _ in range(4)]
        said = [[tag if draw.random() < 0.7 else draw.choice(TAGS) for tag in row] for row in true]
        assert score("span_f1", said, true) == pytest.approx(conlleval(said, true), abs=1e-9)


def test_a_span_never_goes_on_in_the_next_row():
    assert score("span_f1", [["B-x"], ["I-x"]], [["B-x"], ["B-x"]]) == 100


@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_rows_of_labels_are_scored_label_by_label(name):
    draw = random.Random(0)
    true = [[draw.choice("abc") for _ in range(length)] for length in (3, 0, 7, 1)]
    said = [[draw.choice("abcd") for _ in row] for row in true]
    flat_said, flat_true = (list(chain.from_iterable(rows)) for rows in (said, true))
    oracle = {"accuracy": accuracy_score(flat_true, flat_said),
              "macro_f1": 100 * f1_score(flat_true, flat_said, average="macro")}  # fmt: skip

    assert score(name, said, true) == score(name, flat_said, flat_true) == pytest.approx(oracle[name], abs=1e-12)
    with pytest.raises(ValueError, match="as many labels"):
        score(name, [["a"], ["b", "a"]], [["a", "b"], ["b"]])


def test_surprise_in_three_units():
    loss = math.log(8)

    assert [score(name, loss) for name in ("nats", "bits", "perplexity")] == pytest.approx([loss, 3, 8])
    from_loss = {name for name, metric in METRICS.items() if metric.from_loss}
    assert from_loss == {"nats", "bits", "perplexity", "nll", "pinball"}
    assert not any(METRICS[name].higher_is_better for name in ("nats", "bits", "perplexity", "wer", "cer", "per"))


SAID = ["the cat sat on the mat", "where is it ?", "a small house", ""]
ONE = ["the cat sat on a mat", "where is it?", "the little house", "nothing"]
SEVERAL = [ONE[0], ["where was it?", "where is it?"], ["the little house", "a small house"], ["nothing"]]


@pytest.mark.parametrize(("name", "theirs"), [("bleu", sacrebleu.corpus_bleu), ("chrf", sacrebleu.corpus_chrf)])
def test_scores_of_translations_are_those_of_sacrebleu(name, theirs):
    streams = [["the cat sat on a mat", "where was it?", "the little house", "nothing"],
               [None, "where is it?", "a small house", None]]  # fmt: skip

    assert score(name, SAID, ONE) == theirs(SAID, [ONE]).score
    assert score(name, SAID, SEVERAL) == theirs(SAID, streams).score
    assert score(name, SAID, SEVERAL) > score(name, SAID, ONE) > 1
    as_lists = [[text.split() for text in texts] for texts in (SAID, ONE)]
    assert score(name, *as_lists) == score(name, SAID, ONE)


def test_a_signature_says_how_many_references_there_are():
    assert signature("bleu").startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert signature("bleu", SEVERAL).startswith("nrefs:var|")
    assert signature("bleu", [["a", "b"], ["c", "d"]]).startswith("nrefs:2|")
    assert signature("chrf").startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")
    with pytest.raises(ArgumentError, match="bleu, chrf, got 'wer'"):
        signature("wer")


def test_exact_match_takes_any_reference():
    assert score("exact_match", SAID, ONE) == 0
    assert score("exact_match", SAID, SEVERAL) == 0.25
    assert score("exact_match", [["T"], ["T"], []], [["T"], [["D"], ["T"]], []]) == 1


RATES = [  # name, said, true, rate
    ("wer", ["a b c"], ["a b c"], 0.0),
    ("wer", ["a x c d"], ["a b c"], 2 / 3),
    ("wer", ["", "a"], ["a b", "a"], 2 / 3),
    ("wer", ["a  b\n"], ["a b"], 0.0),
    ("wer", ["a b"], [["x y", "a c"]], 1 / 2),
    ("wer", ["a b"], [["b", "a b c d e", "a x"]], 1 / 2),  # of two at the same distance the longer
    ("wer", ["a b c", "a"], ["a", "a"], 1.0),
    ("wer", ["a"], [""], math.inf),
    ("wer", [""], [""], 0.0),
    ("cer", ["ab c"], ["abc"], 1 / 3),
    ("cer", ["kitten"], ["sitting"], 3 / 7),
    ("per", [["K", "AE", "T"], []], [["K", "AH", "T", "S"], ["T"]], 3 / 5),
    ("per", [["K", "AE"]], [[["K", "AH", "T"], ["K", "AE"]]], 0.0),
    ("per", ["K AE T"], ["K AH T"], 1 / 3),
]


@pytest.mark.parametrize(("name", "said", "true", "rate"), RATES)
def test_error_rates_by_hand(name, said, true, rate):
    assert score(name, said, true) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize("name", ["wer", "per", "cer"])
def test_error_rates_are_edit_distances(name):
    draw = random.Random(1)
    said, true = ([" ".join(draw.choices("ab", k=draw.randrange(1, 8))) for _ in range(40)] for _ in range(2))
    units = [[text if name == "cer" else text.split() for text in texts] for texts in (said, true)]
    edits = sum(distance(s, t) for s, t in zip(*units, strict=True))

    assert score(name, said, true) == pytest.approx(edits / sum(map(len, units[1])), abs=1e-12)


def distance(said: str | list[str], true: str | list[str]) -> int:
    """Levenshtein's, row by row of the table."""
    row = list(range(len(true) + 1))
    for i, s in enumerate(said, 1):
        new = [i]
        for j, t in enumerate(true, 1):
            new.append(min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (s != t)))
        row = new
    return row[-1]


@pytest.mark.parametrize("name", ["bleu", "chrf", "wer", "cer", "per", "exact_match"])
def test_a_row_without_a_reference_is_refused(name):
    with pytest.raises(ArgumentError, match=r"a row must have a reference, got \[\]"):
        score(name, ["a"], [[]])


@pytest.mark.parametrize(("name", "package"), [("bleu", "sacrebleu"), ("chrf", "sacrebleu"), ("per", "jiwer")])
def test_a_package_that_is_missing_is_named(name, package, monkeypatch):
    real = builtins.__import__

    def without(module: str, *arguments: object, **options: object) -> object:
        if module.split(".")[0] == package:
            raise ImportError
        return real(module, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=rf"'{package}' must be installed. Run pip install 'elman\[text\]'"):
        score(name, ["a"], ["a"])
