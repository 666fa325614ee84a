"""Music: chorales in four voices, and folk tunes with chords, as piano rolls, continued step by step."""

from elman.recipes.base import Published, Recipe

RECIPE = Recipe(
    name="music",
    about="chorales and folk tunes as piano rolls, continued step by step",
    data="jsb_chorales",
    split="test; all steps of each piece but the first, each predicted from those before it",
    size="382 chorales, 1,037 folk tunes",
    minutes=5,
    input={"piece": {"kind": "roll"}},
    train={"average": "ema", "patience": 0},
    decode={"temperature": 0.8, "max_length": 64},
    metric="nll",
    baselines=[],
    goals={"jsb": {"nll": 8.42}, "nottingham": {"nll": 3.30}},
    settings={
        "jsb": {
            "input": {"piece": {"resolution": 1, "tempo": 80.0, "dropout": 0.2}},
            "model": {"cell": "lstm", "hidden": 300, "dropout": 0.6},
            "train": {"epochs": 30, "batch": 1, "lr": 3e-3, "weight_decay": 0.1},
            "baselines": [{"name": "memoryless: the last step only", "model": {"cell": "memoryless", "hidden": 300}}],
            "published": [
                Published("RNN, Bai et al. 2018", nll=8.91),
                Published("GRU, Bai et al. 2018", nll=8.43),
                Published("LSTM, Bai et al. 2018", nll=8.45),
                Published("TCN, Bai et al. 2018", nll=8.10),
            ],
            "show": ["[[48, 64, 67, 72], [48, 64, 67, 72], [53, 60, 69, 72], [52, 60, 67, 72]]"],
        },
        "nottingham": {
            "dataset": "nottingham",
            "input": {"piece": {"resolution": 2, "tempo": 120.0}},
            "model": {"cell": "lstm", "hidden": 200, "dropout": 0.2},
            "train": {"epochs": 40, "batch": 2, "lr": 1e-2},
            "baselines": [{"name": "memoryless: the last step only", "model": {"cell": "memoryless", "hidden": 200}}],
            "published": [
                Published("RNN, Bai et al. 2018", nll=4.05),
                Published("GRU, Bai et al. 2018", nll=3.46),
                Published("LSTM, Bai et al. 2018", nll=3.29),
                Published("TCN, Bai et al. 2018", nll=3.07),
            ],
            "show": ["[[48, 52, 55, 72], [48, 52, 55, 72], [48, 52, 55, 76], [48, 52, 55, 79]]"],
        },
    },
)
