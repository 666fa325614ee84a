"""SST-2: sentiment of film review sentences on the standard split, with and without pretrained word vectors."""

from elman.recipes.base import NEEDS_VECTORS, Published, Recipe

RECIPE = Recipe(
    name="sst2",
    about="film reviews on the standard split, trained on labelled phrases",
    data="sst2",
    split="test, 1,821 sentences",
    size="77,201 phrases",
    minutes=4,
    input={"text": {"kind": "text"}},
    target={"label": {"kind": "category"}},
    model={"cell": "lstm", "bidirectional": True, "dropout": 0.5, "pooling": "attention"},
    train={"epochs": 3, "batch": 64, "evaluations": 4, "patience": 12},
    metric="accuracy",
    baselines=[{"name": "one-to-one: mean of the word vectors, softmax", "model": {"topology": "one-to-one"}}],
    goals={"glove": {"accuracy": 0.845}, "scratch": {"accuracy": 0.83}},
    published=[
        Published("LSTM, Tai et al. 2015 (GloVe 300d)", accuracy=0.849),
        Published("bidirectional LSTM, Tai et al. 2015 (GloVe 300d)", accuracy=0.875),
        Published("CNN, Kim 2014 (word2vec 300d)", accuracy=0.872),
    ],
    show=["I loved this movie!", "I love it... not"],
    settings={
        "glove": {
            "input": {"text": {"vectors": NEEDS_VECTORS, "vectors_words": "all", "dropout": 0.3, "word_dropout": 0.05}},
            "train": {"lr": 2e-3},
        },
        # A word of one sentence occurs in about seven of its phrases: 8 leaves out the words of a single sentence.
        "scratch": {
            "input": {"text": {"min_count": 8, "dropout": 0.5, "word_dropout": 0.1}},
            "train": {"lr": 1e-3},
        },
    },
)
