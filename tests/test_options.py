"""Every option does something: set to another value, it changes what is trained, or how."""

import numpy as np
import pytest
import torch

import elman

RANDOM = np.random.default_rng(0)
WORDS = ["good", "bad", "fine", "poor", "great", "dull", "Fine", "so-so"]
TEXTS = [" ".join(RANDOM.choice(WORDS, RANDOM.integers(2, 7))) for _ in range(90)]
TEXTS += [f"rare{number} good" for number in range(10)]
TABLE = {"text": TEXTS, "label": ["yes" if "good" in text.split() else "no" for text in TEXTS]}
BASE = {"input": {"text": {}}, "target": {"label": {}}, "model": {"hidden": 4}, "train": {"epochs": 2}}

CHANGES = [
    ("input.text", {"tokenizer": "character"}),
    ("input.text", {"tokenizer": "bpe", "max_vocabulary": 300}),
    ("input.text", {"tokenizer": "unigram", "max_vocabulary": 300}),
    ("input.text", {"characters": "bilstm"}),
    ("input.text", {"characters": "cnn"}),
    ("input.text", {"lowercase": False}),
    ("input.text", {"min_count": 1}),
    ("input.text", {"max_vocabulary": 5}),
    ("input.text", {"embedding": 7}),
    ("input.text", {"dropout": 0.0}),
    ("input.text", {"word_dropout": 0.5}),
    ("input.text", {"vector_dropout": 0.5}),
    ("target.label", {"head": "sigmoid"}),
    ("target.label", {"class_weights": "balanced"}),
    ("target.label", {"class_weights": {"yes": 3.0}}),
    ("target.label", {"label_smoothing": 0.1}),
    ("model", {"topology": "one-to-one"}),
    ("model", {"cell": "gru"}),
    ("model", {"hidden": 5}),
    ("model", {"layers": 2}),
    ("model", {"bidirectional": True}),
    ("model", {"dropout": 0.0}),
    ("model", {"recurrent_dropout": 0.3}),
    ("model", {"weight_drop": 0.3}),
    ("model", {"zoneout": 0.3}),
    ("model", {"pooling": "mean"}),
    ("model", {"initial_state": "random"}),
    ("model", {"initial_state": "learned"}),
    ("model", {"bptt": 2}),
    ("train", {"seed": 1}),
    ("train", {"epochs": 3}),
    ("train", {"batch": 16}),
    ("train", {"lr": 0.01}),
    ("train", {"weight_decay": 0.5}),
    ("train", {"clip": 0.01}),
    ("train", {"schedule": "constant"}),
    ("train", {"warmup": 0.5}),
    ("train", {"evaluations": 2}),
    ("train", {"micro_batch": 16}),
    ("train", {"gradient_noise": 0.01}),
    ("train", {"average": "ema"}),
    ("train", {"average": "swa"}),
    ("train", {"precision": "bfloat16"}),
    ("data", {"valid_fraction": 0.2}),
    ("data", {"test_fraction": 0.2}),
    ("data", {"fit_rows": 20}),
]


def trained(changes: dict[str, dict] | None = None) -> tuple[dict[str, torch.Tensor], bytes]:
    """Weights and log of a short training with the options of one section changed."""
    given = {"data": {}, **{key: dict(value) for key, value in BASE.items()}}
    for place, options in (changes or {}).items():
        section, _, column = place.partition(".")
        given[section] = {column: options} if column else {**given[section], **options}
    if given["model"].get("topology") == "one-to-one":
        del given["model"]["hidden"]
    model = elman.train(TABLE, **given, quiet=True)
    losses = [line.split(b'"seconds"')[0] for line in model.artifacts["log.jsonl"].splitlines()]
    return model.network.state_dict(), b"".join(losses)


@pytest.fixture(scope="module")
def base() -> tuple[dict[str, torch.Tensor], bytes]:
    return trained()


@pytest.mark.parametrize(("place", "options"), CHANGES, ids=lambda value: str(value).replace(" ", ""))
def test_an_option_changes_what_is_trained(place, options, base):
    weights, log = trained({place: options})
    same_shapes = {k: v.shape for k, v in weights.items()} == {k: v.shape for k, v in base[0].items()}
    same_weights = same_shapes and all(torch.equal(weights[name], base[0][name]) for name in weights)
    assert not (same_weights and log == base[1])


def test_a_locked_mask_changes_what_is_trained():
    deep = {"layers": 2}
    (free, _), (locked, _) = trained({"model": deep}), trained({"model": deep | {"locked": True}})
    assert not all(torch.equal(free[name], locked[name]) for name in free)


def test_the_base_itself_is_repeated(base):
    weights, log = trained()
    assert all(torch.equal(weights[name], base[0][name]) for name in weights)
    assert log == base[1]


def test_the_decay_of_a_mean_of_the_weights_changes_it():
    slow, fast = (trained({"train": {"average": "ema", "average_decay": decay}})[0] for decay in (0.99, 0.1))
    assert any(not torch.equal(slow[name], fast[name]) for name in slow)


@pytest.mark.parametrize("average", ["none", "swa"])
def test_a_decay_that_nothing_heeds_is_refused(average):
    with pytest.raises(elman.ElmanError, match="average_decay must be left out"):
        trained({"train": {"average": average, "average_decay": 0.9}})


def test_the_backend_is_the_one_that_was_named(monkeypatch):
    from elman.layers.backends import BACKENDS

    used = []
    for name, backend in list(BACKENDS.items()):
        monkeypatch.setitem(
            BACKENDS, name, backend._replace(run=lambda *a, n=name, b=backend: used.append(n) or b.run(*a))
        )
    for name in ("reference", "torch"):
        used.clear()
        trained({"model": {"backend": name}})
        assert set(used) == {name}


def test_low_memory_is_taken_where_it_was_named(monkeypatch):
    from elman.layers import low_memory

    sizes = []
    run_in_blocks = low_memory.in_blocks
    monkeypatch.setattr(low_memory, "LEAST_BLOCK", 1)
    monkeypatch.setattr(low_memory, "in_blocks", lambda plan, *a: sizes.append(plan.size) or run_in_blocks(plan, *a))
    trained({"model": {"memory": "full"}})
    assert not sizes
    trained({"model": {"memory": "low"}})
    assert sizes


def test_files_take_the_place_of_fractions(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("text,label\n" + "good,yes\ndull,no\n" * 4)
    model = elman.train(TABLE, input="text", target="label", hidden=4, epochs=1, quiet=True,
                        data={"valid": str(other), "test": str(other)})  # fmt: skip
    assert sum(model.target.counts) == len(TEXTS)  # nothing was split off
    assert model.metrics["valid"] == pytest.approx(model.metrics["test"])


def test_a_source_is_kept_in_the_cache_where_it_is_larger_than_what_is_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "t.csv"
    path.write_text("text,label\n" + "good fun,yes\nso dull,no\n" * 20)
    for size in (200, 0):
        assert not (tmp_path / "cache").exists()
        elman.train(path, input="text", target="label", hidden=2, epochs=1, quiet=True, data={"in_memory": size})
    assert (tmp_path / "cache").exists()


def test_early_ends_are_set_by_patience_and_minutes_alone():
    flat = {"lr": 0.1, "schedule": "constant", "epochs": 40}
    ends = {
        elman.train(TABLE, **BASE | {"train": flat | change}, quiet=True).metrics["training"]["ended"]
        for change in ({"patience": 2}, {"patience": 0}, {"patience": 0, "minutes": 0.0005})
    }
    assert ends == {"patience", "epochs", "minutes"}
