"""Characters: Shakespeare's plays as one text, continued letter by letter."""

from elman.recipes.base import Published, Recipe

RECIPE = Recipe(
    name="characters",
    about="plays of Shakespeare, continued letter by letter",
    data="tinyshakespeare",
    split="validation, the last tenth of the text",
    size="1.1 million characters",
    minutes=23,
    data_options={"stream": True, "test_fraction": 0},  # all but the last tenth is for training, as published
    input={"text": {"kind": "text", "tokenizer": "character", "embedding": 64, "dropout": 0.0}},
    model={"cell": "lstm", "hidden": 1024, "dropout": 0.65, "bptt": 128},
    train={
        "epochs": 13,
        "batch": 16,
        "lr": 2e-3,
        "schedule": "constant",  # the mean of the weights converges without a decaying rate
        "patience": 0,
        "average": "ema",
        "average_decay": 0.9995,
    },
    decode={"temperature": 0.8, "max_length": 300},
    metric="nats",
    baselines=[
        {
            "name": "memoryless: the last letter only",
            "model": {"cell": "memoryless", "hidden": 512},
            "train": {"epochs": 2},
        }
    ],
    goals={"": {"nats": 1.42}},
    published=[
        Published("minGRU, Feng et al. 2024", nats=1.548),
        Published("Transformer of 10 M parameters on a GPU, nanoGPT", nats=1.47),
        Published("Transformer, nanoGPT's small setting for a CPU", nats=1.88),
    ],
    show=["ROMEO:"],
    seeds=1,
)
