"""Dialogue: the last turns of a conversation with a service to its reply (Schema-Guided Dialogue)."""

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="dialogue",
    about="the last turns of a conversation to the service's reply",
    data="sgd",
    split="test, a tenth of the dialogues",
    size="12,406 turns",
    minutes=15,
    input={"history": {"kind": "text", "embedding": 128, "dropout": 0.3, "word_dropout": 0.05}},
    target={
        "reply": {
            "kind": "text",
            "split": "space",
            "lowercase": True,
            "embedding": 128,
            "dropout": 0.3,
            "metrics": ["bleu", "chrf"],
        }
    },
    model={"cell": "lstm", "hidden": 256, "attention": "dot", "dropout": 0.4},
    train={"epochs": 15, "batch": 32, "patience": 4},
    decode={"beam": 5, "length_penalty": 1.0, "max_length": 60},
    metric="bleu",
    baselines=[
        {"name": "the reply to the most similar training history (TF-IDF)", "answer": "nearest"},
        {"name": "the best constant reply", "answer": "constant"},
    ],
    beats={"bleu": 1.0},
    show=["user: I am looking for a place to eat."],
    show_rows=10,
    seeds=1,
)
