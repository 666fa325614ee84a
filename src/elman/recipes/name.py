"""Name: surnames of 18 languages, classified and generated."""

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="name",
    about="surnames to their languages, and languages to new surnames",
    data="names",
    split="test, a tenth of the names",
    size="14,398 names of 18 languages",
    minutes=5,
    metric="accuracy",
    baselines=[],
    goals={"classify": {"accuracy": 0.82}, "write": {"agreement": 0.70, "unseen": 0.60}},
    settings={
        "classify": {
            "input": {"name": {"kind": "text", "tokenizer": "character", "embedding": 64, "dropout": 0.2}},
            "target": {"language": {"kind": "category"}},
            "model": {"cell": "gru", "hidden": 256, "bidirectional": True, "dropout": 0.5, "pooling": "max"},
            "train": {"epochs": 25, "batch": 16},
            "baselines": [{"name": "one-to-one: mean of the letters' vectors", "model": {"topology": "one-to-one"}}],
            "show": ["Schmidhuber", "Rossini", "Nakamura"],
        },
        "write": {
            "input": {"language": {"kind": "category", "embedding": 32}},
            "target": {"name": {"kind": "text", "tokenizer": "character", "embedding": 64, "dropout": 0.1}},
            "model": {"cell": "lstm", "hidden": 192, "dropout": 0.4},
            "train": {"epochs": 30, "average": "ema", "average_decay": 0.998},
            "decode": {"temperature": 0.6, "top_k": 2, "max_length": 30},
            "metric": "agreement",
            "baselines": [
                {
                    "name": "memoryless: the last letter and the language",
                    "model": {"cell": "memoryless", "hidden": 192},
                }
            ],
            "show": ["Italian", "Japanese", "Russian"],
            "round_trip": {"setting": "classify", "each": 50, "temperature": 0.6, "top_k": 2, "max_length": 30},
        },
    },
)
