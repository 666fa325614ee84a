"""Translate: English sentences into French, and French into English (Tatoeba), with attention."""

from elman.recipes.base import Recipe

# Sub-words: no word is unknown. The sampled softmax compares with 1,000 of them at a time, a tenth of the cost.
SOURCE = {"kind": "text", "tokenizer": "bpe", "max_vocabulary": 12_000, "embedding": 256, "dropout": 0.1}
TARGET = {**SOURCE, "softmax": "sampled", "references": "all", "metrics": ["bleu", "chrf"]}

RECIPE = Recipe(
    name="translate",
    about="English sentences of at most 12 words into French, and French into English",
    data="tatoeba",
    split="test, 2,000 groups of translations, of which no sentence is in the training split",
    size="154,169 pairs",
    minutes=17,
    model={"cell": "gru", "hidden": 256, "attention": "dot", "dropout": 0.2},
    train={"epochs": 4, "batch": 64, "patience": 0},
    decode={"beam": 5, "length_penalty": 0.6, "max_length": 40},
    metric="bleu",
    baselines=[{"name": "the translation of the most similar training sentence (TF-IDF)", "answer": "nearest"}],
    goals={"to-french": {"bleu": 35.0}, "to-english": {"bleu": 35.0}},
    settings={
        "to-french": {
            "input": {"english": SOURCE},
            "target": {"french": TARGET},
            "show": ["Hello.", "How are you?"],
        },
        "to-english": {
            "input": {"french": SOURCE},
            "target": {"english": TARGET},
            "show": ["Bonjour.", "Comment allez-vous ?"],
        },
    },
    seeds=1,
)
