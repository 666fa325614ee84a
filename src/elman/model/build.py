"""Fields, layouts, networks and ways to decode from a configuration, which nothing here changes."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from elman.checks import check_choice, check_range, fail
from elman.config.configuration import RunConfig, resolved_options, without_none
from elman.data.layouts import Layout, RowsLayout, SeriesLayout, StreamLayout, WindowsLayout
from elman.decoding import Decoding, chooses_method, with_overrides
from elman.errors import ConfigError
from elman.fields import FIELDS, INPUTS, TARGETS, Field, Fields, Forecast, Generated, Known, Lags, Series
from elman.network import Network
from elman.topologies import (
    TOPOLOGIES,
    AutoregressiveTopology,
    EncoderDecoderAhead,
    NextStep,
    OneToMany,
    Topology,
)
from elman.types import Json

METRIC_OPTIONS = ("metrics", "references")  # of a text, which its continuation does not have
INTERNAL = ("forbidden",)  # arguments of `Decoding` that the field says, not the user


def completed(config: RunConfig) -> RunConfig:
    """The configuration with every option of its fields and topology written out; see `with_decoding`.

    Args:
        config: with the kinds and the topology.

    Raises:
        ArgumentError: options of decoding that do not go together, or of a target that is not generated.
        ConfigError: a kind, a topology or an option that does not exist, or a value of the wrong type.
    """
    make_decoding(config)  # which says what is wrong before the data are read
    continues = config.model.get("topology") == NextStep.name
    document = config.model_dump()
    for side, table in (("input", config.input), ("target", config.target)):
        document[side] = {name: _field_table(options, name, side, continues) for name, options in table.items()}
        for name, options in table.items():  # a missing horizon is reported before the model's options
            if issubclass(FIELDS[options["kind"]], Lags | Forecast):
                _window_place(config, FIELDS[options["kind"]], f"{side}.{name}")
    document["model"] = _model_table(config)
    document["data"]["stream"] = bool(config.data.stream)
    return RunConfig.model_validate(document)


def with_decoding(config: RunConfig, longest: int | None) -> RunConfig:
    """The configuration of an autoregressive topology with every option of its decoding written out.

    Args:
        config: as `completed` gives it.
        longest: steps of the longest target of the training split, where there is one; sequences are cut at 1.5 times
            as many where the configuration does not say where.

    Raises: as `make_decoding`.
    """
    default = {} if longest is None else {"max_length": longest + longest // 2}
    options = resolved_options(Decoding, default | config.decode, "decode", without=INTERNAL)
    return config.model_copy(update={"decode": options})


def continues_series(config: RunConfig) -> bool:
    """Whether the data are series whose rows are steps, in order of time, and the next step is what is predicted."""
    kinds = [options.get("kind") for options in config.input.values()]
    return config.model.get("topology") == NextStep.name and kinds == [Series.kind] and config.data.time is not None


def make_layout(config: RunConfig, fields: Fields) -> Layout:
    """How the rows of the data make sequences, by a configuration whose kinds and topology are known."""
    data = config.data
    if data.stream:
        return StreamLayout(fields, config.model.get("bptt"))
    if data.horizon is not None:
        assert data.window is not None
        return WindowsLayout(fields, data.window, data.horizon, data.id, data.time, data.every)
    if continues_series(config):
        assert data.time is not None
        return SeriesLayout(fields, data.id, data.time, config.model.get("bptt"))
    learned_from = {"input": config.input, "target": config.target}
    return RowsLayout(fields, data.id, data.time, data.split_group, data.split_time, data.fit_rows, learned_from)


def topology_of(config: RunConfig) -> type[Topology]:
    """The class of the topology.

    Raises:
        ConfigError: there is no such topology.
    """
    check_choice("config", "model.topology", config.model.get("topology"), TOPOLOGIES, ConfigError)
    return TOPOLOGIES[config.model["topology"]]


def is_autoregressive(config: RunConfig) -> bool:
    """Whether the target is generated step by step."""
    return issubclass(topology_of(config), AutoregressiveTopology)


def make_fields(config: RunConfig) -> Fields:
    """The fields of a configuration whose kinds and topology are known.

    Raises:
        ConfigError: a kind or option that does not exist, or a field that does not fit the data.
    """
    if topology_of(config) is NextStep:  # what is read is what is generated
        return Fields({}, {name: _field(config, name, "input", True) for name in config.input}, {})
    inputs = {name: _field(config, name, "input", False) for name in config.input}
    targets = {name: _field(config, name, "target", False) for name in config.target}
    weights = {name: _weight(options, name) for name, options in config.target.items()}
    fields = Fields(inputs, targets, weights)
    for name, field in fields.targets.items():
        if isinstance(field, Forecast):
            _check_normalization(config, fields, name, field)
    return fields


def make_network(config: RunConfig, fields: Fields) -> Network:
    """The network of a configuration whose topology is known.

    Raises:
        ConfigError: a topology or option that does not exist.
    """
    options = _model_table(config)
    name = options.pop("topology")
    try:
        return Network(fields, name, options)
    except (MemoryError, RuntimeError) as error:  # torch has no class of its own for memory that cannot be had
        if "memory" not in str(error):
            raise
        then = "Lower model.hidden, model.layers or the size of the embedding."
        fail("config", "model", "fit in memory", str(options), then, ConfigError)


def document_of(config: RunConfig, network: Network) -> Json:
    """What config.json says: the configuration, and what the network alone knows, see `elman.storage.info`."""
    sizes = [(weight.numel(), weight.requires_grad) for weight in network.parameters()]
    carried = ", carried along the text" * bool(config.data.stream)
    return {
        # TOML cannot say None, JSON can: `elman info` shows every option of the network.
        "config": without_none(config.model_dump()) | {"model": config.model},
        "network": {
            "parameters": {
                "all": sum(size for size, _ in sizes),
                "trained": sum(size for size, trains in sizes if trains),
            },
            "state": network.topology.initial_state_description + carried,
        },
    }


def make_decoding(config: RunConfig, overrides: Mapping[str, Any] | None = None) -> Decoding:
    """How a generated target is decoded: what the configuration says, and what overrides it.

    Raises:
        ArgumentError: options that do not go together, or of a target that is not generated.
        ConfigError: an option that does not exist.
    """
    if (overrides or config.decode) and not is_autoregressive(config):
        got = ", ".join(overrides or config.decode)
        fail("decode", "an option", "go with a target that is generated", got, "Leave it out.")
    options = with_overrides(config.decode, overrides or {})
    return Decoding(**resolved_options(Decoding, options, "decode", without=INTERNAL))


def decoding_for_generation(config: RunConfig, overrides: Mapping[str, Any]) -> Decoding:
    """As `make_decoding`, for what has many right answers.

    Next-step and one-to-many sample at temperature 1 where nothing says how to choose. A stream had no end in training,
    so that its network cannot predict one, and generates all symbols that it may.
    """
    method_chosen = chooses_method(with_overrides(config.decode, overrides))
    if issubclass(topology_of(config), OneToMany) and not method_chosen:
        overrides = {**overrides, "temperature": 1.0}
    chosen = make_decoding(config, overrides)
    endless = config.data.stream and not chosen.min_length
    return replace(chosen, min_length=chosen.max_length) if endless else chosen


def _model_table(config: RunConfig) -> Json:
    kind, options = topology_of(config), dict(config.model)
    name = options.pop("topology")
    single = any(not FIELDS[target["kind"]].is_sequence for target in config.target.values())
    without = kind.without if single else kind.without | {"pooling"}  # which makes steps one answer
    return {"topology": name, **resolved_options(kind, options, "model", f"topology {name}", without)}


def _field_table(options: Json, name: str, side: str, continues: bool) -> Json:
    """The table of a field with every option written out."""
    role, kind = f"{side}.{name}", options["kind"]
    as_target = side == "target" or continues
    check_choice("config", f"{role}.kind", kind, TARGETS if as_target else INPUTS, ConfigError)
    field = FIELDS[kind]
    given = {key: value for key, value in options.items() if key != "kind"}
    weight = _weight(options, name) if side == "target" else 1.0
    if side == "target":
        given.pop("weight", None)
    without: Collection[str] = field.input_options if side == "target" else field.target_options
    if continues:
        without = METRIC_OPTIONS
    table = {"kind": kind, **resolved_options(field, given, role, f"kind {kind}", without)}
    return table if weight == 1 else {**table, "weight": weight}


def _weight(options: Json, name: str) -> float:
    """The weight of a target among others."""
    weight = options.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        fail("config", f"target.{name}.weight", "be a number", repr(weight), error=ConfigError)
    check_range("config", f"target.{name}.weight", weight, low=0)
    return float(weight)


def _field(config: RunConfig, name: str, side: str, continues: bool) -> Any:
    """A field, with what its place in the network and the data say of it."""
    table = config.input if side == "input" else config.target
    options = _field_table(table[name], name, side, continues)
    options.pop("weight", None)
    kind = FIELDS[options.pop("kind")]
    place: Json = {}
    if issubclass(kind, Generated):
        place = {"generated": side == "target" or continues, "continues": continues}
    elif issubclass(kind, Lags | Forecast):
        place = _window_place(config, kind, f"{side}.{name}")
    make: Any = kind
    return make(name, **place, **options)


def _window_place(config: RunConfig, kind: type[Field], role: str) -> Json:
    """How many steps a field of windows has, and whether it is read or predicted step by step."""
    window, horizon = config.data.window, config.data.horizon
    if window is None or horizon is None:
        must, then = "go with data.horizon, which makes rows steps", "For example --set data.horizon=24."
        fail("config", f"{role}.kind", must, kind.kind, then, ConfigError)
    stepwise = topology_of(config) is EncoderDecoderAhead
    if issubclass(kind, Forecast):
        return {"horizon": horizon, "stepwise": stepwise}
    return {"steps": horizon, "stepwise": stepwise} if issubclass(kind, Known) else {"steps": window}


def _check_normalization(config: RunConfig, fields: Fields, name: str, field: Forecast) -> None:
    if field.is_normalized and not fields.past_of(name):
        must, then = f"be none where the past of {name!r} is not read", f"Add --input {name}, or leave it out."
        fail("config", f"target.{name}.normalize", must, repr(field.normalize), then, ConfigError)
    window = config.data.window or 0
    if field.normalize == "seasonal-difference" and field.season >= window:
        must = f"be less than the window, {window}, where normalize is seasonal-difference"
        fail("config", f"target.{name}.season", must, str(field.season), "Read a longer window.", ConfigError)
