"""What a TOML file and a run directory may say: six sections, every key checked, every default written out.

`[data]` is described here. The options of `[input.NAME]`, `[target.NAME]`, `[model]` and `[train]` are the keyword
arguments of the field, of the topology and of the training options: a file can set every argument of these classes.
"""

import inspect
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from elman.checks import did_you_mean, fail, option_table, shown
from elman.errors import ConfigError
from elman.types import Json

S = TypeVar("S", bound=BaseModel)
Paths = str | list[str]  # a file, a folder, a pattern such as "logs/*.csv", or several of these


class Section(BaseModel):
    """A section of a configuration: unknown keys are errors, values are not converted, and it is immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DataConfig(Section):
    """`[data]`: where the rows come from and how they are split."""

    source: Paths | None = Field(default=None, min_length=1)  # None: a table in memory
    valid: Paths | None = Field(default=None, min_length=1)  # of the validation split, instead of a fraction
    test: Paths | None = Field(default=None, min_length=1)  # of the test split, instead of a fraction
    valid_fraction: float = Field(default=0.1, ge=0, lt=1)
    test_fraction: float = Field(default=0.1, ge=0, lt=1)
    split_group: str | None = None  # column by which rows are grouped: rows of a group stay in one split
    split_time: str | None = None  # column that orders the rows: the oldest for training, the newest for test
    id: str | None = None  # column that names the sequence of a row, for series in long format
    time: str | None = None  # column that orders the steps of a sequence; without an id all rows are one sequence
    stream: bool | None = None  # the rows are one long text; None: only of a text file without a target
    horizon: int | None = Field(default=None, ge=1)  # steps to forecast; rows are steps then
    window: int | None = Field(default=None, ge=1)  # steps of history to read; None: four times the horizon
    every: int = Field(default=1, ge=1)  # steps from one training window to the next
    known: list[str] = []  # future covariates: columns whose values over the horizon are known
    bad_rows: Literal["refuse", "skip"] = "refuse"
    in_memory: float = Field(default=200.0, ge=0)  # megabytes; larger sources are read once into the cache
    fit_rows: int = Field(default=1_000_000, ge=1)  # training rows, at most, that fields learn from


class RunConfig(Section):
    """A complete configuration, its options not yet checked against the classes that take them."""

    data: DataConfig = DataConfig()
    input: dict[str, dict[str, Any]] = Field(min_length=1)
    target: dict[str, dict[str, Any]] = {}  # none: the input is continued
    model: dict[str, Any] = {}
    train: dict[str, Any] = {}
    decode: dict[str, Any] = {}


def read_toml(path: str | Path) -> Json:
    """A configuration file as a dictionary.

    Raises:
        ConfigError: there is no such file, or it is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        fail("config", str(path), "be a file that can be read", str(error.strerror), "Check the path.", ConfigError)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fail("config", str(path), "be a TOML file", str(error), "See the README for an example.", ConfigError)


def with_setting(document: Json, setting: str) -> Json:
    """The document with one setting `a.b=c` applied; c is parsed as TOML if possible, else it is text.

    >>> with_setting({}, "train.lr=0.01"), with_setting({}, "input.review.tokenizer=character")
    ({'train': {'lr': 0.01}}, {'input': {'review': {'tokenizer': 'character'}}})
    """
    key, sign, value = setting.partition("=")
    if not sign or not key.strip():
        fail("--set", "a setting", "read a.b=c", shown(setting), "For example --set train.lr=0.001.", ConfigError)
    for text in (value, '"' + value.strip().replace("\\", "\\\\").replace('"', '\\"') + '"'):
        try:
            return merged(document, tomllib.loads(f"{key} = {text}"))
        except tomllib.TOMLDecodeError:
            continue
    fail("--set", "a setting", "read a.b=c", shown(setting), "For example --set train.lr=0.001.", ConfigError)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Json:
    """Both documents merged; values of `over` override those of `under`."""
    result = deepcopy(dict(under))
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def columns_document(given: str | Sequence[str] | Mapping[str, Any] | None, table: str) -> Json:
    """The `[input]` or `[target]` table from a column, several columns, or columns with options.

    Several inputs may turn out to be one series, when the table is known, see `elman.training.resolve`.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {table: {name: dict(options) for name, options in given.items()}}
    return {table: {name: {} for name in ([given] if isinstance(given, str) else given)}}


def check_document(document: Json) -> RunConfig:
    """The configuration of a document.

    Raises:
        ConfigError: a key that does not exist, or a value of the wrong type.
    """
    if not document.get("input"):
        then = "Pass --input COLUMN (of a text file: text; of a folder: text or file)."
        fail("config", "input", "name a column", "none", then, ConfigError)
    config = _validated(RunConfig, document, "")
    same = config.input.keys() & config.target.keys() if config.data.horizon is None else ()
    for name in same:  # of a forecast the past is read, and the future is predicted
        fail(
            "config",
            "target",
            "have another name than the input",
            repr(name),
            "Name another column, name the series in [input.NAME] otherwise, or pass --horizon to forecast it.",
            ConfigError,
        )
    return config


def resolved_options(
    owner: Callable[..., Any], given: Mapping[str, Any], where: str, chosen: str = "", without: Collection[str] = ()
) -> Json:
    """The options of a class: the given ones, checked against its keyword arguments, and defaults for the rest.

    A parameter `**options: Unpack[Options]` means all keys of the TypedDict, see `elman.checks.option_table`.
    `chosen` is the choice that selected the owner, such as "topology one-to-one"; `without` names arguments that
    may not be set here.

    Raises:
        ConfigError: an option that the class does not take, or a value of the wrong type.
    """
    init = owner.__init__ if inspect.isclass(owner) else owner
    hints = get_type_hints(init)
    options: Json = {}
    for name, parameter in inspect.signature(init).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            options[name] = (hints[name], parameter.default)
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            options = option_table(*get_args(hints[name])) | options
    options = {name: option for name, option in options.items() if name not in without}
    section = create_model(owner.__name__, __base__=Section, **options)
    return dict(_validated(section, given, where, chosen).model_dump())


def _validated(section: type[S], given: Mapping[str, Any], where: str, chosen: str = "") -> S:
    try:
        return section.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        path = [part for part in (where, *_named(given, first["loc"])) if part]
        if first["type"] == "extra_forbidden":
            choices = _keys(section, first["loc"][:-1])
            hint = did_you_mean(path[-1], choices)
            table = f"a key of [{'.'.join(path[:-1])}]" if path[:-1] else "a table"
            fail(
                "config",
                table + f" with {chosen}" * bool(chosen),
                f"be one of {', '.join(choices)}",
                repr(path[-1]),
                hint,
                ConfigError,
            )
        must = first["msg"].removeprefix("Input should ")
        fail("config", ".".join(path), must, shown(first["input"]), error=ConfigError)


def _named(given: Any, location: Sequence[int | str]) -> list[str]:
    """The part of a location that is in the document: pydantic appends the types that it tried."""
    if not location or not isinstance(given, Mapping) or location[0] not in given:
        return []
    return [str(location[0]), *_named(given[location[0]], location[1:])]


def _keys(section: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        annotation: Any = section.model_fields[str(part)].annotation
        section = annotation
    return list(section.model_fields)


def without_none(value: Any) -> Any:
    """The document without the keys whose value is None: TOML has no None, and None is their default."""
    if isinstance(value, Mapping):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return value
