"""Pronounce: English words, letter by letter, to their sounds (CMUdict)."""

from elman.recipes.base import Published, Recipe

RECIPE = Recipe(
    name="pronounce",
    about="spelled English words to their sounds",
    data="cmudict",
    split="test, a tenth of the words; any listed pronunciation is correct",
    size="118,606 words",
    minutes=20,
    input={"word": {"kind": "text", "tokenizer": "character", "embedding": 128, "dropout": 0.1}},
    target={
        "phonemes": {
            "kind": "text",
            "split": "space",
            "references": "all",
            "metrics": ["exact_match", "per"],
            "embedding": 128,
            "dropout": 0.1,
        }
    },
    model={"cell": "gru", "hidden": 256, "attention": "dot", "dropout": 0.2},
    train={"epochs": 7, "batch": 64, "patience": 0},
    decode={"beam": 5, "max_length": 40},
    metric="exact_match",
    baselines=[{"name": "the sounds of the most similar training word (TF-IDF of letters)", "answer": "nearest"}],
    goals={"": {"exact_match": 0.70, "per": 0.072}},
    published=[
        Published("LSTM encoder-decoder, no attention (WER 29, other test words)", exact_match=0.71),
        Published("LSTM with attention (WER 21.7 to 25, other test words)", exact_match=0.783),
    ],
    show=["umbrella", "recurrent", "knight"],
    seeds=1,
)
