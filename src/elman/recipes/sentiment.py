"""Sentiment: is a sentence of a film review positive? A bidirectional LSTM on Rotten Tomatoes, trained from scratch."""

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="sentiment",
    about="film reviews: positive or negative?",
    data="rotten_tomatoes",
    split="test, 853 sentences sampled by the seed",
    size="8,530 sentences",
    minutes=1.5,
    input={"text": {"kind": "text", "dropout": 0.6, "word_dropout": 0.2}},
    target={"label": {"kind": "category"}},
    model={"cell": "lstm", "bidirectional": True, "dropout": 0.5, "pooling": "attention"},
    train={"epochs": 10, "lr": 2e-3, "patience": 5},
    metric="accuracy",
    baselines=[{"name": "one-to-one: mean of the word vectors, softmax", "model": {"topology": "one-to-one"}}],
    goals={"": {"accuracy": 0.75}},
    show=["I loved this movie!", "I love it... not"],
    seeds=5,
)
