"""Translate: English sentences into French and back (Tatoeba), with attention."""

from elman.recipes.base import Recipe

# Sub-words: no word is unknown, and a softmax over 4,000 of them costs a quarter of one over all words.
SOURCE = {"kind": "text", "level": "bpe", "max_vocabulary": 4000, "embedding": 256, "dropout": 0.2}
TARGET = {**SOURCE, "references": "all", "metrics": ["bleu", "chrf"]}

RECIPE = Recipe(
    name="translate",
    about="English sentences of at most 12 words into French, and back",
    data="tatoeba",
    split="test, all translations of 2,000 sentences that training has not",
    size="154,623 pairs",
    minutes=30,
    model={"cell": "lstm", "hidden": 256, "attention": "dot", "dropout": 0.3},
    train={"epochs": 5, "batch": 64, "patience": 0},
    decode={"beam": 5, "length_penalty": 0.6, "max_length": 40},
    metric="bleu",
    baselines=[{"name": "the translation of the most similar training sentence (TF-IDF)", "answer": "nearest"}],
    goal={"to-french": 35.0},
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
