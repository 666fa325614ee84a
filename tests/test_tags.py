"""Tags: labels a step, what marks a span, and answers that keep to it."""

import json
import math
from itertools import pairwise, product

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.nn import functional as F
from verbs import call

import elman
from elman.encoders import TensorColumn
from elman.errors import ArgumentError, BadValueError, ConfigError, DataError
from elman.fields import StepScores, Tags
from elman.heads import HEADS, TagsHead
from elman.metrics import METRICS

SPANS = ["O B-a I-a O", "B-b B-a I-a", "O"]
PLAIN = ["N V N", "D N", "V"]
LENGTHS = torch.tensor([3, 0, 1, 4])


def fitted(rows: list[str], **options) -> Tags:
    field = Tags("slots", **options)
    field.fit([field.parse(row) for row in rows])
    return field


def features(poison: float = 0.0) -> torch.Tensor:
    """(B, T, H) with `poison` in the padding."""
    drawn = torch.randn(4, 4, 5, generator=torch.Generator().manual_seed(3))
    for row, length in enumerate(LENGTHS.tolist()):
        drawn[row, length:] = poison
    return drawn


def trained_head(field: Tags) -> TagsHead:
    """A head with every parameter drawn, the transitions too."""
    head, generator = HEADS["tags"](field, 5), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.copy_(2 * torch.randn(parameter.shape, generator=generator))
    return head


@pytest.mark.parametrize(
    "raw", ["O  B-x\tI-x ", ["O", "B-x", "I-x"], ("O", " B-x", "I-x"), np.array(["O", "B-x", "I-x"], dtype=object)]
)
def test_a_cell_is_a_list_or_a_text_with_spaces(raw):
    assert Tags("slots").parse(raw) == ["O", "B-x", "I-x"]


def test_whole_numbers_are_labels_too():
    assert Tags("slots").parse([1, np.int64(2)]) == ["1", "2"]


@pytest.mark.parametrize("raw", ["", " ", [], None, 3, 1.5, [None], ["", " "], ["O", 1.5], [["O"]], float("nan")])
def test_what_is_no_label_is_refused(raw):
    with pytest.raises(BadValueError):
        Tags("slots").parse(raw)


def test_labels_survive_json_and_storage():
    field = fitted(SPANS)
    other = Tags("slots")
    other.restore(json.loads(json.dumps(field.learned())))

    assert other.labels == field.labels == ["B-a", "B-b", "I-a", "O"]
    assert (other.metrics, other.head, other.describe()) == (field.metrics, field.head, field.describe())
    values = [field.parse(row) for row in SPANS]
    stored = pa.array([field.pack(value) for value in values], Tags.storage)
    assert field.unpack_column(stored) == [field.unpack(one) for one in stored] == values
    assert [other.decode_sequence(other.encode(value)) for value in values] == values


def test_an_unknown_label_is_refused_by_name_and_so_is_the_value_that_stands_for_it():
    field = fitted(SPANS)
    column = pa.array([["O", "B-new"], ["O"]], Tags.storage)

    with pytest.raises(BadValueError, match=r"4 labels of the training split \(B-a, B-b, I-a, O\), got 'B-new'"):
        field.encode(["O", "B-new"])
    assert field.representative_values(column) == [["O"], ["B-new"]]


@pytest.mark.parametrize("rows", [[], ["O O"]])
def test_at_least_two_labels_are_needed(rows):
    with pytest.raises(DataError, match="have at least two labels"):
        fitted(rows)


@pytest.mark.parametrize(
    ("rows", "options", "metrics", "head"),
    [
        (SPANS, {}, ("span_f1", "accuracy"), "crf"),
        (SPANS, {"scheme": "bio", "head": "softmax"}, ("span_f1", "accuracy"), "softmax"),
        (SPANS, {"scheme": "none"}, ("accuracy", "macro_f1"), "softmax"),
        (PLAIN, {}, ("accuracy", "macro_f1"), "softmax"),
        (PLAIN, {"head": "crf"}, ("accuracy", "macro_f1"), "crf"),
        ([*SPANS, "B-"], {}, ("accuracy", "macro_f1"), "softmax"),
    ],
)
def test_labels_that_mark_spans_are_known_by_their_look(rows, options, metrics, head):
    field = fitted(rows, **options)
    assert (field.metrics, field.head) == (metrics, head)


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"O, B-x or I-x where scheme = .bio., got 'N'"):
        fitted(PLAIN, scheme="bio")
    with pytest.raises(ConfigError, match=r"head must be .softmax. where label_smoothing is set"):
        Tags("slots", label_smoothing=0.1)
    for options in ({"head": "svm"}, {"scheme": "iob"}, {"head": "softmax", "label_smoothing": 2}):
        with pytest.raises(ArgumentError):
            Tags("slots", **options)


def test_a_label_that_continues_nothing_is_counted():
    field = fitted(["I-a I-a O", "B-b I-a", "B-a I-a B-b B-b", "O B-a"])
    assert field.loose == 2
    assert field.describe() == "4 labels that mark spans of 2 kinds: a, b; 2 spans begin with I- in place of B-"
    assert fitted(PLAIN).describe() == "3 labels: N 3, V 2, D 1"


def scores_for(field: Tags, rows: list[str]) -> StepScores:
    """Those of a CRF without transitions whose scores speak for `rows`."""
    head = HEADS["tags"](field, len(field.labels))
    wanted = [field.encode(field.parse(row)) for row in rows]
    scores = np.zeros((len(rows), max(map(len, wanted)), len(field.labels)), np.float32)
    for row, ids in enumerate(wanted):
        scores[row, np.arange(len(ids)), ids] = 1
    return StepScores(scores, np.array([*map(len, wanted)]), head.chain())


def answers_of(field: Tags, head: TagsHead, given: torch.Tensor, lengths: torch.Tensor) -> tuple:
    return field.decode_steps(head.scores(given, lengths))


def test_a_crf_never_answers_with_a_span_that_begins_in_its_middle():
    field = fitted(SPANS)
    broken = ["I-a I-a", "O I-a O", "B-b I-a"]

    found = field.decode_steps(scores_for(field, broken))[0]

    for labels, row in zip(found, broken, strict=True):
        assert labels != row.split()
        field.fit([labels, ["O", "B-a", "I-a"]])
        assert field.loose == 0
    assert field.decode_steps(scores_for(field, SPANS))[0] == [row.split() for row in SPANS]


def test_where_most_spans_begin_with_i_all_labels_may():
    rows = ["O I-a I-a", "I-b O", "I-a B-a"]
    field = fitted(rows)
    assert field.decode_steps(scores_for(field, rows))[0] == [row.split() for row in rows]


def test_the_loss_of_a_row_is_that_of_its_labels_by_hand():
    for head_kind in ("softmax", "crf"):
        field = fitted(SPANS, head=head_kind)
        head, drawn = HEADS["tags"](field, 5), features()  # a CRF's own scores begin at 0: the same loss
        target = torch.randint(0, 4, (4, 4), generator=torch.Generator().manual_seed(2))
        expected = [
            float(F.cross_entropy(head.linear(x[:length]), y[:length], reduction="sum").detach())
            for x, y, length in zip(drawn, target, LENGTHS.tolist(), strict=True)
        ]
        for training in (True, False):
            loss = head.train(training).row_losses(drawn, TensorColumn(target, LENGTHS))
            torch.testing.assert_close(loss, torch.tensor(expected), rtol=1e-5, atol=1e-5)


def test_label_smoothing_changes_the_loss_in_training_only():
    smooth, sharp = fitted(PLAIN, head="softmax", label_smoothing=0.2), fitted(PLAIN)
    heads, target = [HEADS["tags"](field, 5) for field in (smooth, sharp)], torch.zeros(4, 4, dtype=torch.long)
    heads[1].load_state_dict(heads[0].state_dict())
    losses = [
        [head.train(training).row_losses(features(), TensorColumn(target, LENGTHS)) for head in heads]
        for training in (True, False)
    ]
    assert not torch.equal(*losses[0])
    assert torch.equal(*losses[1])


@pytest.mark.parametrize("rows", [SPANS, PLAIN])
def test_padding_and_batch_mates_change_nothing(rows):
    field = fitted(rows)
    head, target = trained_head(field), torch.zeros(4, 4, dtype=torch.long)
    clean, dirty = features(), features(float("nan"))
    longer = torch.cat([dirty, torch.full((4, 2, 5), torch.nan)], 1)

    answers = answers_of(field, head, clean, LENGTHS)
    loss = head.row_losses(clean, TensorColumn(target, LENGTHS))

    for other in (dirty, longer):
        assert answers_of(field, head, other, LENGTHS) == answers
        assert torch.equal(head.row_losses(other, TensorColumn(target, LENGTHS)), loss)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = clean[row : row + 1, :length], LENGTHS[row : row + 1]
        said, chances = answers_of(field, head, *alone)
        assert said == [answers[0][row]]
        assert chances == [pytest.approx(answers[1][row], abs=1e-6)]
        own = head.row_losses(alone[0], TensorColumn(target[row : row + 1, :length], alone[1]))
        torch.testing.assert_close(own[0], loss[row], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["crf", "softmax"])
def test_the_probability_of_each_predicted_label_is_that_of_brute_force(kind):
    field = fitted(SPANS, head=kind)
    head, given = trained_head(field).double().requires_grad_(False), features().double()

    labels, chances = answers_of(field, head, given, LENGTHS)

    assert [len(row) for row in chances] == LENGTHS.tolist()
    start, moves, end = (
        (head.crf.start, head.crf.transitions, head.crf.end) if kind == "crf" else (torch.zeros(4).double(),) * 3
    )
    moves = moves.expand(4, 4)
    for row, length in enumerate(LENGTHS.tolist()):
        scores = head(given[row, :length])
        weights = {}
        for path in product(range(4), repeat=length):
            steps = sum(scores[t, tag] for t, tag in enumerate(path)) + sum(moves[a, b] for a, b in pairwise(path))
            weights[path] = math.exp(steps + start[path[0]] + end[path[-1]]) if path else 1.0
        for t, label in enumerate(labels[row]):
            through = sum(weight for path, weight in weights.items() if field.labels[path[t]] == label)
            assert chances[row][t] == pytest.approx(through / sum(weights.values()), abs=1e-9)


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_predict_prints_the_probability_of_each_tag(head, tmp_path, capsys):
    data = {"tokens": [["a", "b"], ["b"]] * 20, "tags": [["V", "N"], ["N"]] * 20}
    target = {"tags": {"head": head}}
    model = elman.train(data, input="tokens", target=target, hidden=4, epochs=1, quiet=True, out=tmp_path / "run")
    (tmp_path / "new.jsonl").write_text('{"tokens": ["a", "b", "a"]}\n{"tokens": ["b"]}\n')

    printed = call(capsys, "predict", model.path, "--data", tmp_path / "new.jsonl", "--format", "jsonl")[0]

    rows = [json.loads(line) for line in printed.splitlines()]
    assert rows == model.answers({"tokens": [["a", "b", "a"], ["b"]]})
    table = call(capsys, "predict", model.path, "--data", tmp_path / "new.jsonl")[0]
    assert f"[{', '.join(f'{chance:.6g}' for chance in rows[0]['probabilities'])}]" in table
    for row, length in zip(rows, (3, 1), strict=True):
        assert len(row["prediction"]) == len(row["probabilities"]) == length
        assert all(0 < chance < 1 for chance in row["probabilities"])


def test_a_step_may_have_no_label():
    field = Tags("slots", unlabelled="_")
    rows = [["O", None, "", " ", float("nan"), "B-x"], "_ B-x I-x", ["_", "I-x", None, "I-x"], np.array(["O", None])]

    values = [field.parse(row) for row in rows]
    field.fit(values)

    assert values[0] == ["O", None, None, None, None, "B-x"]
    assert [field.decode_sequence(field.encode(value)) for value in values] == values
    assert (field.labels, field.counts, field.loose, field.missing) == (["B-x", "I-x", "O"], [2, 3, 2], 0, 8)
    assert field.describe() == "3 labels that mark spans of 1 kind: x; 8 steps have none"
    stored = pa.array([field.pack(value) for value in values], Tags.storage)
    assert field.unpack_column(stored) == values
    assert field.representative_values(stored) == [["O"], ["B-x"], ["I-x"]]
    assert Tags("slots").parse("_ B-x") == ["_", "B-x"]
    for word in ("", " ", "a b"):
        with pytest.raises(ConfigError, match="unlabelled must be one word"):
            Tags("slots", unlabelled=word)


def partly(field: Tags) -> tuple[TensorColumn, TensorColumn]:
    """Targets (B, T) whose second and last rows lack labels, and the same with all of them."""
    whole = torch.randint(0, len(field.labels), (4, 4), generator=torch.Generator().manual_seed(2))
    some = whole.clone()
    some[0, 1], some[3, 0], some[3, 2:] = -1, -1, -1
    return TensorColumn(some, LENGTHS), TensorColumn(whole, LENGTHS)


@pytest.mark.parametrize("head_kind", ["softmax", "crf"])
def test_steps_without_a_label_are_not_counted_and_no_guess_at_them_matters(head_kind):
    field = fitted(PLAIN, head=head_kind)
    head, (some, whole) = trained_head(field), partly(field)

    assert head.counted(some).tolist() == [2, 0, 1, 1]
    assert head.counted(whole).tolist() == LENGTHS.tolist()
    loss, full = (head.row_losses(features(), target) for target in (some, whole))
    assert torch.equal(loss[2], full[2])  # a row with all its labels, beside others without
    assert (loss[[0, 3]] < full[[0, 3]]).all()


def test_a_softmax_learns_nothing_from_a_step_without_a_label():
    field = fitted(PLAIN)
    head, (some, _), given = trained_head(field), partly(field), features().requires_grad_()

    loss = head.row_losses(given, some)
    loss.sum().backward()

    scored = (some.values >= 0) & (torch.arange(4) < LENGTHS[:, None])
    by_hand = F.cross_entropy(head(features()[scored]), some.values[scored], reduction="none")
    torch.testing.assert_close(loss.sum(), by_hand.sum(), rtol=0, atol=1e-5)
    assert torch.equal(given.grad.abs().sum(-1) > 0, scored)


@pytest.mark.parametrize("rows", [SPANS, PLAIN])
def test_padding_changes_nothing_where_labels_are_missing(rows):
    field = fitted(rows)
    head, (some, _) = trained_head(field), partly(field)
    loss = head.row_losses(features(), some)

    assert torch.equal(head.row_losses(features(float("nan")), some), loss)
    for row, length in enumerate(LENGTHS.tolist()):
        own = TensorColumn(some.values[row : row + 1, :length], LENGTHS[row : row + 1])
        alone = head.row_losses(features()[row : row + 1, :length], own)
        torch.testing.assert_close(alone[0], loss[row], rtol=0, atol=1e-5)


def test_metrics_leave_out_steps_without_a_label():
    said = [["O", "B-x", "I-x"], ["B-x", "I-x"]]

    assert METRICS["accuracy"].score(said, [["O", None, "I-x"], ["O", None]]) == 2 / 3
    assert METRICS["macro_f1"].score([["a", "b", "a"]], [["a", None, "a"]]) == 100
    assert METRICS["span_f1"].score(said, [["O", "B-x", None], ["B-x", "I-x"]]) == 100  # and joins no neighbours
    assert METRICS["span_f1"].score([["B-x", "O", "I-x"]], [["B-x", None, "I-x"]]) == 100
    assert METRICS["span_f1"].score([["O", "B-x"]], [["B-x", None]]) == 0


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_a_tagger_learns_from_rows_of_which_half_the_labels_are_missing(head):
    draw = np.random.default_rng(0)
    tokens = [draw.choice(list("abcd"), draw.integers(1, 6)).tolist() for _ in range(120)]
    truth = [[{"a": "V", "b": "N"}.get(token, "X") for token in row] for row in tokens]
    some = [[label if step == 0 or draw.random() < 0.5 else None for step, label in enumerate(row)] for row in truth]
    model = elman.train(
        {"tokens": tokens, "tags": some}, input="tokens", target={"tags": {"head": head}}, hidden=8, epochs=12,
        seed=0, quiet=True, train={"lr": 0.05},
    )  # fmt: skip

    assert model.target.kind == "tags"
    assert model.target.missing > 50
    assert model.predict(tokens).tolist() == truth
    assert model.evaluate({"tokens": tokens, "tags": some})["metrics"]["accuracy"] == 1
