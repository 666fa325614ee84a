"""What a configuration of a forecast leaves open: the window, which columns are one series, the topology."""

from elman.checks import check_choice, fail
from elman.data import Table, infer_kind, matching_columns
from elman.errors import ConfigError
from elman.fields import FIELDS, INPUTS, Forecast, Known, Lags, Series
from elman.fields.values.patterns import is_pattern
from elman.topologies import TOPOLOGIES, EncoderDecoder, EncoderDecoderAhead, ManyToMany, ManyToOne, OneToOne
from elman.training.draft import Draft

PLAN = "known"  # the name of the input that future covariates are
WINDOW = 4  # horizons that are read where nothing says how many
READERS = {OneToOne.name, ManyToOne.name, ManyToMany.name, EncoderDecoderAhead.name}


def resolve_forecast(draft: Draft, table: Table) -> None:
    """Write the window, the kinds and the topology into the configuration where it does not say them.

    Columns of numbers that are read are one series; those that are known ahead one input more. What else is read is a
    value of its row, of which that of the last step before the forecast counts.

    Raises:
        ConfigError: settings that contradict each other.
        DataError: a column that is missing.
    """
    data = draft.data
    assert data.horizon is not None
    for name in ("split_group", "split_time", "stream"):
        value = getattr(data, name)
        if value:
            must = "be left out where data.horizon is set"
            then = "Leave it out: series are always split in order of time."
            fail("config", f"data.{name}", must, repr(value), then, ConfigError)
    draft.data = data.model_copy(update={"window": data.window or WINDOW * data.horizon})
    _resolve_inputs(draft, table)
    _resolve_targets(draft, table)
    reads = [FIELDS[options["kind"]].is_sequence for options in draft.input.values()]
    topology = draft.model.setdefault("topology", ManyToOne.name if any(reads) else OneToOne.name)
    check_choice("config", "model.topology", topology, TOPOLOGIES, ConfigError)
    if topology == EncoderDecoder.name:  # which generates a sequence; a forecast has one that reads the covariates
        topology = draft.model["topology"] = EncoderDecoderAhead.name
    if topology not in READERS or (topology != OneToOne.name and not any(reads)):
        choices = {EncoderDecoder.name, *READERS} - {EncoderDecoderAhead.name} if any(reads) else {OneToOne.name}
        must = f"be one of {', '.join(sorted(choices))} for what is read"
        fail("config", "model.topology", must, repr(topology), "Leave it out.", ConfigError)
    if PLAN in draft.input and topology not in (OneToOne.name, EncoderDecoderAhead.name):
        draft.model.setdefault("condition", "end")  # a plan of the steps ahead says nothing of the steps before


def _resolve_inputs(draft: Draft, table: Table) -> None:
    plain = []
    for name, options in draft.input.items():
        if "kind" in options or "columns" in options:
            continue
        pattern = name not in table.columns and is_pattern(name)
        if pattern or infer_kind(table, name, False, ()) == "number":
            plain.append(name)
    if plain:
        draft.join_inputs(plain)
    if draft.data.known:
        draft.input.setdefault(PLAN, {"kind": "known", "columns": list(draft.data.known)})
    for name, options in draft.input.items():
        options.setdefault("kind", Series.kind if "columns" in options else infer_kind(table, name, False, ()))
        check_choice("config", f"input.{name}.kind", options["kind"], INPUTS, ConfigError)
        kind = FIELDS[options["kind"]]
        if options.get("patch", 1) != 1:
            then = "Leave it out: a window is cut reading by reading."
            fail(
                "config",
                f"input.{name}.patch",
                "be 1 where data.horizon is set",
                repr(options["patch"]),
                then,
                ConfigError,
            )
        if issubclass(kind, Series | Lags):
            options["columns"] = matching_columns(table, options.get("columns") or [name])
        elif kind.is_sequence:
            then = "Name columns of numbers, or of one class a row."
            fail("config", f"input.{name}", "have one value a row, which is a step", options["kind"], then, ConfigError)


def _resolve_targets(draft: Draft, table: Table) -> None:
    if not draft.target:
        then = "Pass --target COLUMN: what is to be forecast."
        fail("config", "target", "name a column", "none", then, ConfigError)
    read = {
        column
        for options in draft.input.values()
        if options["kind"] in (Series.kind, Lags.kind)
        for column in options["columns"]
    }
    for name, options in draft.target.items():
        table.column(name)  # which says what is wrong
        options.setdefault("kind", Forecast.kind)
        options.setdefault("normalize", "last" if name in read else "none")
        if options["kind"] != Forecast.kind:
            then = "Leave it out."
            must = "be forecast where data.horizon is set"
            fail("config", f"target.{name}.kind", must, repr(options["kind"]), then, ConfigError)
    for name, options in draft.input.items():
        named = [column for column in options.get("columns", ()) if column in draft.target]
        if options["kind"] == Known.kind and named:
            must = "name no target, whose values nobody knows before they come"
            then = f"Leave it out there; --input {named[0]} reads its past."
            fail("config", f"input.{name}.columns", must, repr(named[0]), then, ConfigError)
