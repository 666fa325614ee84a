"""Melody: a key and a first note to the tune of a chorale, in the style of those that Bach harmonized."""

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="melody",
    about="a key and a first note to the tune of a chorale",
    data="bach_melodies",
    split="test, a tenth of the tunes; bits of all symbols, rests and the end included, per note",
    size="404 sopranos of Bach's chorales, transposed to all keys for training",
    minutes=10,
    input={"key": {"kind": "category", "embedding": 16}, "first": {"kind": "category", "embedding": 16}},
    target={"melody": {"kind": "notes", "resolution": 8, "tempo": 80.0, "embedding": 64, "dropout": 0.2}},
    model={"cell": "lstm", "hidden": 256, "dropout": 0.5},
    train={"epochs": 8, "batch": 16, "lr": 3e-3, "average": "ema"},
    decode={"temperature": 0.8, "max_length": 160},
    metric="bits",
    baselines=[
        {"name": "Markov model of order 2: the two symbols before", "markov": 2},
        {"name": "Markov model of order 4: the two notes before", "markov": 4},
    ],
    beats={"bits": 1.0},
    show=[{"key": "G major", "first": "G4"}, {"key": "A minor", "first": "E5"}],
)
