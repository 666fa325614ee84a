"""A trained network from its run directory, every file of it checked."""

from pathlib import Path

import torch

from elman.config.configuration import RunConfig, check_document
from elman.errors import ElmanError
from elman.fields import Fields
from elman.model.build import make_fields, make_network
from elman.model.model import Model
from elman.network import Network, own_state
from elman.storage import MODEL_FILES, Directory

LARGEST_ARTIFACT = 1 << 26  # bytes


def load(path: str | Path) -> Model:
    """The model of a run directory, every file of it checked.

    Raises:
        DataError: there is no run directory.
        IntegrityError: a file is missing, or does not match the manifest.
    """
    directory = Directory(path, MODEL_FILES)
    config, fields, network = described(directory)
    weights = directory.tensors("weights.safetensors", own_state(network))
    network.take_state({name: tensor.clone() for name, tensor in weights.items()}, assign=True)
    model = Model(config, fields, network.eval())
    model.metrics, model.path, model.digest = directory.json("metrics.json"), Path(path), directory.digest
    others = {name: directory.read(name, LARGEST_ARTIFACT) for name in directory.names if name not in MODEL_FILES}
    model.artifacts = {name: content for name, content in others.items() if name != "run.toml"}  # written anew
    return model


def described(directory: Directory) -> tuple[RunConfig, Fields, Network]:
    """The configuration, the fitted fields and the network that a directory describes.

    The network is on torch's meta device: its weights have names, shapes and types, and take no memory.

    Raises:
        ConfigError: a configuration that this version does not know.
        IntegrityError: the files do not match the manifest.
    """
    documents = directory.json("config.json"), directory.json("fields.json")
    try:
        config = check_document(documents[0]["config"])
        fields = make_fields(config)
        fields.restore(documents[1])
        with torch.device("meta"):
            return config, fields, make_network(config, fields)
    except ElmanError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        directory.refuse("config.json", "describe a network with fields.json", f"{type(error).__name__}: {error}")
