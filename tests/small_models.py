"""Untrained models of each topology, whose fields know some texts."""

import torch

from elman.config.configuration import check_document
from elman.model.build import completed, make_fields, make_network
from elman.model.model import Model

TEXTS = ["It's raining, so I'll take my umbrella.", "I'll take my dog, so it's fun.", "It isn't my umbrella!"] * 2
FRENCH = ["Il pleut, je prends mon parapluie.", "Je prends mon chien.", "Ce n'est pas mon parapluie !"] * 2


def model_of(inputs, targets, topology, decode=None, seed=0, **options):
    """An untrained model whose fields know the values: {name: (options, values)}."""
    document = {
        "input": {name: dict(given) for name, (given, _) in (inputs or targets).items()},
        "target": {name: dict(given) for name, (given, _) in targets.items()} if inputs else {},
        "model": {"topology": topology, "hidden": 16, **options},
        "decode": decode or {},
    }
    config = completed(check_document(document))
    fields = make_fields(config)
    for name, field in (*fields.inputs.items(), *fields.targets.items()):
        field.fit([field.parse(value) for value in {**inputs, **targets}[name][1]])
    torch.manual_seed(seed)
    model = Model(config, fields, make_network(config, fields).eval())
    with torch.no_grad():
        for parameter in model.network.heads[0].parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)  # so that some symbols are far likelier than others
    return model


def next_step(tokenizer="word", **options):
    text = {"kind": "text", "tokenizer": tokenizer} | ({"min_count": 1} if tokenizer == "word" else {})
    return model_of({}, {"text": (text, TEXTS)}, "next-step", **options)


def one_to_many(**options):
    target = {"word": ({"kind": "text", "tokenizer": "character"}, ["Rossini", "Schmidt"])}
    return model_of({"land": ({"kind": "category"}, ["it", "de"])}, target, "one-to-many", **options)


def encoder_decoder(**options):
    text = {"kind": "text", "min_count": 1}
    return model_of({"english": (text, TEXTS)}, {"french": (text, FRENCH)}, "encoder-decoder", **options)


def many_to_one():
    text = {"text": ({"kind": "text", "min_count": 1}, TEXTS)}
    return model_of(text, {"label": ({"kind": "category"}, ["a", "b"])}, "many-to-one")


MAKERS = {
    "next-step": next_step,
    "one-to-many": one_to_many,
    "encoder-decoder": encoder_decoder,
    "many-to-one": many_to_one,
}
