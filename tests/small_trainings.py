"""Small trainings of every topology and most kinds of columns, for `test_recorded`; as a script, it records them."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import elman

RECORD = Path(__file__).parent / "small_trainings.json"
WORDS = ["the", "a", "good", "bad", "fine", "awful", "film", "movie", "plot", "actor"]
WORDS += ["scene", "was", "is", "very", "really", "quite", "not", "and", "but", "so"]
TRAININGS: dict[str, Callable[[np.random.Generator], tuple[elman.Model, Any]]] = {}


def training(make: Callable[..., Any]) -> Callable[..., Any]:
    TRAININGS[make.__name__] = make
    return make


def train(table, input, target=None, **options):
    return elman.train(table, input=input, target=target, **{"hidden": 12, "epochs": 3, "quiet": True, **options})


def sentences(random, rows=120):
    return [" ".join(random.choice(WORDS, random.integers(3, 9))) for _ in range(rows)]


def reviews(random):
    texts = sentences(random)
    return {"text": texts, "label": ["yes" if "good" in text or "fine" in text else "no" for text in texts]}


def loads(random, steps=700):
    load = 10 + 3 * np.sin(np.arange(steps) / 24 * 2 * np.pi) + random.normal(0, 0.3, steps)
    return {"hour": list(range(steps)), "load": load.round(4).tolist(), "price": random.normal(1, 0.2, steps).tolist()}


@training
def classes(random):
    table = reviews(random)
    model = train(table, "text", "label")
    return model, [model.predict(table["text"][:9]).tolist(), model.evaluate(table)]


@training
def classes_from_both_directions_with_every_noise(random):
    table = reviews(random)
    text = {"kind": "text", "characters": "cnn", "word_dropout": 0.1, "vector_dropout": 0.1}
    noise = {"dropout": 0.2, "locked": True, "weight_drop": 0.1, "zoneout": 0.1, "pooling": "attention"}
    model = train(table, {"text": text}, "label", bidirectional=True, layers=2, model=noise)
    return model, model.evaluate(table)


@training
def classes_of_series_by_a_gru(random):
    series = [random.normal(0, 1, (random.integers(5, 15), 2)).cumsum(0).tolist() for _ in range(80)]
    table = {"s": series, "y": ["up" if one[-1][0] > 0 else "down" for one in series]}
    model = train(table, {"s": {"kind": "series", "patch": 3, "hop": 2, "noise": 0.1}}, "y", cell="gru")
    return model, model.evaluate(table)


@training
def tags(random):
    texts = [text.split() for text in sentences(random)]
    table = {"text": texts, "tags": [["B-x" if word in ("good", "bad") else "O" for word in text] for text in texts]}
    model = train(table, {"text": {"kind": "text", "characters": "bilstm"}}, {"tags": {"kind": "tags"}}, layers=2)
    return model, [model.predict(texts[:6]).tolist(), model.evaluate(table)]


@training
def several_inputs_and_targets(random):
    texts = sentences(random)
    topics = [sorted(set(text.split()) & {"good", "bad", "plot"}) for text in texts]
    table = {"text": texts, "n": random.normal(3, 2, 120).tolist(), "topics": topics}
    table["y"] = [len(text.split()) + 0.5 for text in texts]
    targets = {"topics": {"kind": "labels"}, "y": {"kind": "number", "loss": "huber", "weight": 0.5}}
    model = train(table, ["text", "n"], targets)
    return model, model.evaluate(table)


@training
def transcript(random):
    of = {"one": 0.0, "two": 1.0, "three": 2.0}
    words = [random.choice(list(of), random.integers(1, 4)).tolist() for _ in range(60)]
    series = [[[of[word] + random.normal(0, 0.1)] for word in row for _ in range(4)] for row in words]
    table = {"s": series, "words": [" ".join(row) for row in words]}
    model = train(table, {"s": {"kind": "series"}}, {"words": {"kind": "transcript"}}, epochs=10, bidirectional=True)
    return model, [model.predict(series[:8]).tolist(), model.evaluate(table)]


@training
def forecast_at_once(random):
    table = loads(random)
    target = {"kind": "forecast", "head": "quantiles", "normalize": "last"}
    model = train(table, ["load"], {"load": target}, time="hour", horizon=6, window=30, epochs=2)
    return model, model.evaluate(table)


@training
def forecast_step_by_step_with_covariates(random):
    table = loads(random)
    target = {"kind": "forecast", "head": "gaussian", "normalize": "seasonal-difference", "season": 24}
    options = {"horizon": 6, "window": 30, "known": ["price"], "topology": "encoder-decoder", "epochs": 2}
    model = train(table, ["load"], {"load": target}, time="hour", **options)
    return model, model.evaluate(table)


@training
def next_step_of_a_series(random):
    table = loads(random)
    model = train(table, {"s": {"kind": "series", "columns": ["load"]}}, time="hour", cell="gru", epochs=2)
    return model, model.evaluate(table)


@training
def next_word(random):
    texts = sentences(random)
    options = {"kind": "text", "min_count": 1, "tied": True, "label_smoothing": 0.1}
    model = train({"text": texts}, {"text": options}, model={"scheduled_sampling": 0.2})
    sampled = model.generate(["the good"], max_length=12, seed=4, n_best=3, temperature=0.9)
    found = model.generate(max_length=12, beam=4, n_best=2, length_penalty=0.5, no_repeat_ngram=2)
    return model, [sampled, found, model.evaluate({"text": texts})]


@training
def next_character_of_one_long_text(random, path=None):
    path = Path(path or ".") / "corpus.txt"
    path.write_text("\n".join(sentences(random, 480)), encoding="utf-8")
    text = {"text": {"kind": "text", "tokenizer": "character"}}
    model = train(str(path), text, epochs=1, train={"batch": 4})
    return model, [model.generate(["the "], max_length=40, seed=1), model.evaluate(str(path))]


@training
def names_from_a_class(random):
    table = {"land": random.choice(["it", "fr"], 100).tolist()}
    table["name"] = ["".join(random.choice(list("abcdeilmnorst"), random.integers(3, 8))) for _ in range(100)]
    model = train(table, "land", {"name": {"kind": "text", "tokenizer": "character"}})
    return model, model.generate(values=["it", "fr"], n_best=3, seed=2, top_k=5, top_p=0.9, max_length=10)


@training
def translation_with_attention(random):
    table = {"en": sentences(random)}
    table["fr"] = [" ".join(reversed(text.split())) for text in table["en"]]
    model = train(table, "en", {"fr": {"kind": "text", "min_count": 1}}, model={"attention": "dot"})
    return model, [model.predict(table["en"][:6], beam=4, length_penalty=1.0).tolist(), model.evaluate(table)]


@training
def music(random):
    pieces = [[random.choice(24, 3, replace=False) + 48 for _ in range(random.integers(6, 14))] for _ in range(40)]
    table = {"piece": [[sorted(chord.tolist()) for chord in piece] for piece in pieces]}
    model = train(table, {"piece": {"kind": "roll"}})
    return model, model.evaluate(table)


def recorded(name: str, folder: Path) -> dict[str, Any]:
    """What a training gives: a digest of its weights, the Euclidean length of each, and its answers."""
    more = {"path": folder} if name == "next_character_of_one_long_text" else {}
    model, answers = TRAININGS[name](np.random.default_rng(7), **more)
    weights = [weight.detach().numpy() for weight in model.network.parameters()]
    digest = hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()
    lengths = [float(np.linalg.norm(weight.astype(np.float64))) for weight in weights]
    valid = model.metrics["valid"]
    return json.loads(json.dumps({"digest": digest, "lengths": lengths, "valid": valid, "answers": answers}))


if __name__ == "__main__":
    found = {name: recorded(name, Path(sys.argv[1])) for name in TRAININGS}
    RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
