"""Each topology learns what a network without memory cannot, and nothing that is not there."""

import numpy as np
import pytest

import elman


def order_task(rows: int, seed: int = 0) -> dict[str, list[str]]:
    """Which of two words came first? Both stand in every text, so that a bag of words knows nothing."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(rows):
        words = [f"w{number}" for number in random.integers(0, 5, random.integers(4, 9))]
        first, second = sorted(random.choice(len(words) + 1, 2, replace=False))
        label = random.choice(["left", "right"])
        words.insert(first, label)
        words.insert(second + 1, "right" if label == "left" else "left")
        texts.append(" ".join(words))
        labels.append(f"{label} first")
    return {"text": texts, "label": labels}


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru", "rnn", "rnn-relu", "lstm-norm", "gru-norm"])
def test_many_to_one_learns_the_order_of_words(cell):
    model = elman.train(
        order_task(800),
        input={"text": {"dropout": 0.0, "embedding": 16}},
        target="label",
        cell=cell,
        hidden=32,
        layers=2 if cell == "mingru" else 1,  # its gates never see the state: one layer cannot tell the order
        epochs=6 if "norm" in cell else 15,  # which they need not, and take longer for
        model={"dropout": 0.0},
        train={"lr": 5e-3},
        quiet=True,
    )
    assert model.metrics["test"]["accuracy"] >= 0.95


def test_the_baseline_cannot_learn_the_order_of_words():
    model = elman.train(order_task(800), input="text", target="label", topology="one-to-one", epochs=15, quiet=True)
    assert model.metrics["test"]["accuracy"] < 0.7


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_every_pooling_learns(pooling):
    model = elman.train(
        order_task(800),
        input={"text": {"dropout": 0.0, "embedding": 16}},
        target="label",
        cell="gru",
        hidden=32,
        bidirectional=True,
        epochs=15,
        model={"pooling": pooling, "dropout": 0.0},
        train={"lr": 5e-3},
        quiet=True,
    )
    assert model.metrics["test"]["accuracy"] >= 0.95


def test_one_to_one_is_a_straight_line():
    x = np.linspace(-3, 3, 400)
    table = {"x": x, "y": 2.5 * x + 1}

    model = elman.train(table, input="x", target="y", epochs=60, train={"lr": 0.02, "weight_decay": 0.0}, quiet=True)

    np.testing.assert_allclose(model.predict([-1.0, 0.0, 2.0]), [-1.5, 1.0, 6.0], atol=0.05)
    assert model.metrics["test"]["mae"] < 0.05


def test_many_to_one_reads_a_series_and_answers_in_the_users_units():
    random = np.random.default_rng(0)
    series = [random.normal(size=(random.integers(3, 12), 2)) for _ in range(600)]
    first_value = [1000 + 50 * float(steps[0, 1]) for steps in series]  # to be remembered to the end

    model = elman.train(
        {"series": series, "y": first_value}, input="series", target="y", cell="gru", hidden=32, epochs=25,
        model={"dropout": 0.0}, train={"lr": 5e-3}, quiet=True,
    )  # fmt: skip

    assert model.metrics["test"]["mae"] < 0.2 * 50
    assert 800 < model.predict([series[0]])[0] < 1200


def test_class_weights_move_the_answers_to_the_rare_class():
    random = np.random.default_rng(0)
    labels = random.choice(["common", "rare"], 600, p=[0.9, 0.1])
    noise = [float(value) for value in random.normal(size=600) + 0.7 * (labels == "rare")]
    share = {}
    for weights in ("none", "balanced"):
        model = elman.train({"x": noise, "label": list(labels)}, input="x", epochs=20, quiet=True,
                            target={"label": {"class_weights": weights}}, train={"lr": 0.02})  # fmt: skip
        share[weights] = (model.predict(noise) == "rare").mean()
    assert share["none"] < 0.1 < 0.2 < share["balanced"]


def test_a_sigmoid_head_learns_as_a_softmax_head_does():
    for head in ("softmax", "sigmoid"):
        model = elman.train(order_task(800), input={"text": {"dropout": 0.0, "embedding": 16}}, cell="gru", hidden=32,
                            target={"label": {"head": head}}, epochs=15, model={"dropout": 0.0}, train={"lr": 5e-3},
                            quiet=True)  # fmt: skip
        assert model.metrics["test"]["accuracy"] >= 0.95
        np.testing.assert_allclose(model.predict_proba(["left w1 right"]).sum(1), 1, rtol=1e-6)
