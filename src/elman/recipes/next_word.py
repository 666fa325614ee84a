"""Next word: English sentences, word by word; "It's raining, so I'll take my ..." """

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="next-word",
    about="English sentences, continued word by word",
    data="tatoeba_english",
    split="test, 2,000 sentences",
    size="112,830 sentences",
    minutes=20,
    input={
        "text": {
            "kind": "text",
            "embedding": 256,
            "dropout": 0.2,
            "tied": True,
            "softmax": "sampled",
            "samples": 2000,
        }
    },
    model={"cell": "lstm", "hidden": 512, "dropout": 0.4},
    train={"epochs": 6, "batch": 64},
    metric="perplexity",
    baselines=[
        {
            "name": "memoryless: the last word only",
            "model": {"cell": "memoryless", "hidden": 512, "dropout": 0.4},
        }
    ],
    beats={"perplexity": 0.75},
    show=["It's raining, so I'll take my"],
    seeds=1,
)
