"""Caption: strips of handwritten digits to the words for them."""

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="caption",
    about="pictures of up to five digits to words",
    data="digit_strips",
    split="test, 2,000 strips of 360 pictures that are in no other split",
    size="20,000 strips of 1,257 pictures",
    minutes=5,
    input={"strip": {"kind": "image", "size": "8x40", "channels": 1, "features": 256, "dropout": 0.3}},
    target={"words": {"kind": "text", "embedding": 32, "min_count": 1, "metrics": ["exact_match", "wer"]}},
    model={"cell": "gru", "hidden": 256, "dropout": 0.3},
    train={"epochs": 12, "batch": 64, "patience": 0},
    decode={"beam": 1, "max_length": 8},
    metric="exact_match",
    baselines=[
        {"name": "the words of the nearest training strip (pixels)", "answer": "nearest"},
        {"name": "the best constant answer", "answer": "constant"},
    ],
    goals={"": {"exact_match": 0.90}},
    show_rows=6,
)
