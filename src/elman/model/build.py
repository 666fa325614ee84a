"""Fields, networks and ways to decode from what a configuration says; it gets every option written out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from elman.checks import check_choice, check_range, fail
from elman.config import RunConfig, resolved_options
from elman.decoding import Decoding, chooses_method, with_overrides
from elman.errors import ConfigError
from elman.fields import FIELDS, INPUTS, TARGETS, Field, Fields, Forecast, Known, Lags, Target, Writable
from elman.network import Network
from elman.topologies import TOPOLOGIES, AutoregressiveTopology, EncoderDecoderAhead, NextStep, OneToMany
from elman.types import Json

OF_ANSWERS = ("metrics", "references")  # options of a text that is not gone on with


def make_fields(config: RunConfig) -> Fields:
    """The fields of a configuration whose kinds and topology are known.

    Raises:
        ConfigError: a kind or option that does not exist.
    """
    if config.model.get("topology") == NextStep.name:  # what is read is what is written
        return Fields({}, {name: _make_target(config.input, name, "input", OF_ANSWERS) for name in config.input})
    inputs: Any = {name: _make_field(config.input, name, "input", INPUTS) for name in config.input}
    fields = Fields(inputs, {name: _make_target(config.target, name, "target") for name in config.target})
    _tell_steps(config, fields)
    return fields


def _tell_steps(config: RunConfig, fields: Fields) -> None:
    """Say to fields of windows how many steps they have.

    Raises:
        ConfigError: there are such fields and no windows, or a level of a past that is not read.
    """
    for role, field in fields.by_role().items():
        if not isinstance(field, Lags | Forecast):
            continue
        if config.data.horizon is None or config.data.window is None:
            then = "For example --set data.horizon=24."
            fail(
                "config", f"{role}.kind", "go with data.horizon, which makes rows steps", field.kind, then, ConfigError
            )
        if isinstance(field, Known | Forecast):
            field.in_steps = config.model.get("topology") == EncoderDecoderAhead.name
        if isinstance(field, Lags):
            field.steps = config.data.horizon if isinstance(field, Known) else config.data.window
        else:
            field.horizon = config.data.horizon
            if field.leveled and not fields.past_of(field.name):
                must = f"be none where the past of {field.name!r} is not read"
                then = f"Add --input {field.name}, or leave it out."
                fail("config", f"{role}.level", must, repr(field.level), then, ConfigError)
            if field.level == "swing" and field.season >= config.data.window:
                must = f"be less than the window, {config.data.window}, where the level is swing"
                fail("config", f"{role}.season", must, str(field.season), "Read a longer window.", ConfigError)


def make_network(config: RunConfig, fields: Fields) -> Network:
    """The network of a configuration whose topology is known.

    Raises:
        ConfigError: a topology or option that does not exist.
    """
    options = dict(config.model)
    name = options.pop("topology")
    check_choice("config", "model.topology", name, TOPOLOGIES, ConfigError)
    kind = TOPOLOGIES[name]
    without = kind.without if fields.single_targets() else kind.without | {"pooling"}  # which makes steps one answer
    options = resolved_options(kind, options, "model", f"topology {name}", without)
    config.model = {"topology": name, **options}
    try:
        return Network(fields, name, options)
    except (MemoryError, RuntimeError) as error:  # torch has no class of its own for memory that cannot be had
        if "memory" not in str(error):
            raise
        then = "Lower model.hidden, model.layers or the size of the embedding."
        fail("config", "model", "fit in memory", str(options), then, ConfigError)


def make_decoding(config: RunConfig, given: Mapping[str, Any] | None = None) -> Decoding:
    """How what is written is looked for; what is given is laid over what the configuration says.

    Raises:
        ArgumentError: options that do not go together, or that a target which is answered would not heed.
        ConfigError: an option that does not exist.
    """
    writes = issubclass(TOPOLOGIES[config.model["topology"]], AutoregressiveTopology)
    if (given or config.decode) and not writes:
        got = ", ".join(given or config.decode)
        fail("decode", "an option", "fit a target that is answered, not written", got, "Leave it out.")
    if given is None and writes:
        config.decode = resolved_options(Decoding, config.decode, "decode", without=("forbidden",))
    options = resolved_options(Decoding, with_overrides(config.decode, given or {}), "decode", without=("forbidden",))
    return Decoding(**options)


def longest_written(longest: int) -> int:
    """Symbols after which what is written is cut, where the longest target of the training has so many."""
    return longest + longest // 2


def decoding_for_generation(config: RunConfig, given: Mapping[str, Any]) -> Decoding:
    """As `make_decoding`, for what has many right answers.

    Next-step and one-to-many draw at temperature 1 where nothing says how to choose. One long text had no end in
    training, so that its network cannot tell one, and writes all symbols that it may.
    """
    method_chosen = chooses_method(with_overrides(config.decode, given))
    if issubclass(TOPOLOGIES[config.model["topology"]], OneToMany) and not method_chosen:
        given = {**given, "temperature": 1.0}
    chosen = make_decoding(config, given)
    endless = config.data.stream and not chosen.min_length
    return replace(chosen, min_length=chosen.max_length) if endless else chosen


def _make_target(table: dict[str, Json], name: str, role: str, without: Collection[str] | None = None) -> Target:
    """A target, which has a weight among others beside its own options."""
    weight = table[name].pop("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        fail("config", f"{role}.{name}.weight", "be a number", repr(weight), error=ConfigError)
    check_range("config", f"{role}.{name}.weight", weight, low=0)
    field: Any = _make_field(table, name, role, TARGETS, without)
    field.weight = float(weight)
    if weight != 1:
        table[name]["weight"] = weight
    if isinstance(field, Writable):
        field.written, field.goes_on = True, role == "input"
    target: Target = field
    return target


def _make_field(
    table: dict[str, Json], name: str, role: str, kinds: Sequence[str], without: Collection[str] | None = None
) -> Field:
    options = table[name]
    kind = options["kind"]
    check_choice("config", f"{role}.{name}.kind", kind, kinds, ConfigError)
    field = FIELDS[kind]
    given = {key: value for key, value in options.items() if key != "kind"}
    if without is None:
        without = field.only_as_target if role == "input" else field.only_as_input
    given = resolved_options(field, given, f"{role}.{name}", f"kind {kind}", without)
    table[name] = {"kind": kind, **given}
    return field(name, **given)
