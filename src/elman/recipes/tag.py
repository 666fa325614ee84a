"""Tag: the slots of a spoken request (SNIPS), by a BiLSTM-CRF with character embeddings."""

from elman.recipes.base import Published, Recipe

RECIPE = Recipe(
    name="tag",
    about="the slots of a spoken request, word by word",
    data="snips",
    split="test, 700 requests",
    size="13,084 requests",
    minutes=4,
    input={"tokens": {"kind": "text", "characters": "bilstm", "dropout": 0.5, "word_dropout": 0.05}},
    target={"slots": {"kind": "tags", "head": "crf"}},
    model={"cell": "lstm", "hidden": 200, "bidirectional": True, "dropout": 0.5},
    train={"epochs": 16, "batch": 32, "patience": 0, "average": "ema"},
    metric="span_f1",
    baselines=[
        {"name": "one-to-one: each word alone, by its vector and characters", "model": {"topology": "one-to-one"}}
    ],
    goals={"": {"span_f1": 93.0}},
    published=[Published("attention BiRNN, Liu & Lane 2016, as reported by Goo et al. 2018", span_f1=87.8)],
    show=["play some jazz by Miles Davis", "book a table for two in Lyon tomorrow night"],
)
