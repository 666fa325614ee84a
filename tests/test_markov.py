"""The Markov model that networks of symbols must beat: counted by hand, a distribution, on the scale of a network."""

import math

import pytest

from elman.config.configuration import check_document
from elman.data import BadRows, Table, parse
from elman.data.layouts import Tables
from elman.model.build import make_fields
from elman.recipes.baselines.markov import Markov, scores_of_markov

ROWS = [(["b"], [0, 1, 0, 1, 2]), (["b"], [0, 1, 1]), (["c"], [2])]


def test_probabilities_are_those_that_are_counted_by_hand():
    model = Markov(1, symbols=4)
    model.learn(ROWS)

    zero = [(count + 3 / 4) / (9 + 3) for count in (3, 4, 2)]  # 9 symbols, 3 different ones
    assert [model.probability((), symbol) for symbol in range(3)] == pytest.approx(zero)
    # 0 was followed by 1, three times; 1 by 0, 1 and 2.
    assert model.probability((0,), 1) == pytest.approx((3 + 1 * zero[1]) / (3 + 1))
    assert model.probability((1,), 2) == pytest.approx((1 + 3 * zero[2]) / (3 + 3))
    assert model.probability(("b",), 0) == pytest.approx((2 + zero[0]) / 3)
    assert model.probability(("never seen",), 0) == zero[0]


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_the_probabilities_after_any_context_add_up_to_one(order):
    model = Markov(order, symbols=4)
    model.learn(ROWS)

    for context in [(), (0,), ("b", 0), (2, 1), ("b", 0, 1, 0), (3, 3, 3)]:
        known = context[max(0, len(context) - order) :]
        assert sum(model.probability(known, symbol) for symbol in range(4)) == pytest.approx(1)


def test_a_higher_order_predicts_better_what_it_has_seen():
    losses = []
    for order in range(4):
        model = Markov(order, symbols=4)
        model.learn(ROWS * 50)
        losses.append(model.loss(ROWS))

    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 3


def test_figures_are_those_of_the_field_from_the_same_rows_counted_as_a_network_counts():
    tunes = ["C4:1 D4:1 E4:2", "C4:1 D4:1/2 D4:1/2", "E4:1 D4:1 C4:2 rest:1 C4:1"]
    train = Table({"first": ["C", "C", "E"], "tune": tunes}, "train")
    tables = Tables(train, None, Table({"first": ["E"], "tune": tunes[2:]}, "test"))
    document = {"input": {"first": {"kind": "category"}}, "target": {"tune": {"kind": "notes"}}}
    document["model"] = {"topology": "one-to-many"}
    fields = make_fields(check_document(document))
    parsed = parse(train, fields, BadRows())
    for role, field in fields.by_role().items():
        field.fit(parsed.values[role])
    field = fields.targets["tune"]

    scores = scores_of_markov(2, tables, fields)

    rows = [
        ([f"first={first}", field.begin], field.encode(field.parse(tune)).tolist())
        for first, tune in zip("CCE", tunes, strict=True)
    ]
    model = Markov(2, len(field.symbols()) - 2)
    model.learn(rows)
    assert scores == {"bits": pytest.approx(model.loss(rows[2:]) / 4 / math.log(2))}  # 4 notes, for a rest is none
