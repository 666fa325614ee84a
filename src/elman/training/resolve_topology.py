"""The topology that the kinds of the inputs and targets allow, or that goes with them where it is named."""

from elman.checks import check_choice, fail
from elman.errors import ConfigError
from elman.fields import FIELDS, INPUTS, TARGETS, Field, Generated, InStep, Steps, Text
from elman.topologies import (
    TOPOLOGIES,
    AutoregressiveTopology,
    EncoderDecoder,
    EncoderDecoderAhead,
    ManyToMany,
    ManyToOne,
    NextStep,
    OneToMany,
    SequenceTopology,
)
from elman.training.draft import Draft

LONGEST_DOCUMENT = 1_000_000  # steps


def resolve_topology(draft: Draft) -> None:
    """The topology that the kinds allow; what has no target, or only a single value as input, is generated."""
    reads, answers = _kinds(draft.input, "input"), _kinds(draft.target, "target")
    sequences = [name for name, kind in reads.items() if kind.is_sequence]
    if not draft.target and len(sequences) == 1 and len(reads) > 1:  # the rest is what it is generated from
        draft.target[sequences[0]] = draft.input.pop(sequences[0])
        reads, answers, sequences = _kinds(draft.input, "input"), _kinds(draft.target, "target"), []
    generated = [name for name, kind in answers.items() if issubclass(kind, Generated)]
    inferred = "many-to-one" if sequences else "one-to-one"
    if any(issubclass(kind, Steps) for kind in answers.values()):
        inferred = "many-to-many"
    if generated:
        inferred = "encoder-decoder" if sequences else OneToMany.name
    if not draft.target:
        inferred = NextStep.name
    topology = draft.model.setdefault("topology", inferred)
    check_choice("config", "model.topology", topology, TOPOLOGIES, ConfigError)
    kind = TOPOLOGIES[topology]
    if kind is EncoderDecoderAhead:
        then = f"For example --horizon 24; {EncoderDecoder.name} generates a sequence."
        fail("config", "model.topology", "go with data.horizon, the steps ahead", repr(topology), then, ConfigError)
    if topology == NextStep.name:
        _check_next_step(draft, reads)
        for name, options in draft.input.items():
            if issubclass(reads[name], Text):
                options.setdefault("longest", LONGEST_DOCUMENT)
    elif not draft.target:
        then = "Pass --target COLUMN, or leave model.topology out to continue the input."
        fail("config", "target", "name a column", "none", then, ConfigError)
    elif issubclass(kind, AutoregressiveTopology) and (len(answers) > 1 or not generated):
        what = ", ".join(options["kind"] for options in draft.target.values())
        fail("config", "target", f"be one text where the topology is {topology}", what, error=ConfigError)
    elif issubclass(kind, SequenceTopology) and generated:
        then = "Leave model.topology out."
        fail("config", "model.topology", f"be {inferred} where a text is generated", repr(topology), then, ConfigError)
    tagged = any(issubclass(kind, InStep) for kind in answers.values())
    if tagged:
        what = next(options["kind"] for options in draft.target.values() if issubclass(FIELDS[options["kind"]], InStep))
        _check_tagged(draft, topology, sequences, what)
    wants_sequence = not issubclass(kind, NextStep | OneToMany) and topology != "one-to-one"
    if wants_sequence != bool(sequences) and (wants_sequence or topology == OneToMany.name):
        read = ", ".join(options["kind"] for options in draft.input.values())
        must = (
            f"be {inferred} where the input is a {read}, one value a row" if wants_sequence else f"be {inferred} here"
        )
        fail("config", "model.topology", must, repr(topology), "Leave it out, or read a sequence.", ConfigError)
    if tagged:
        for name in sequences:  # so that steps and labels are paired
            if draft.input[name]["kind"] == "text" and draft.input[name].get("tokenizer", "word") == "word":
                draft.input[name].setdefault("split", "space")


def _check_tagged(draft: Draft, topology: str, sequences: list[str], kind: str) -> None:
    """Answers at steps want steps to be read, and to be answered."""
    if not sequences:
        read = ", ".join(options["kind"] for options in draft.input.values())
        must = f"be a sequence where the target is {kind}, which has a label at each step"
        fail("config", "input", must, read, "Name a column of texts or lists.", ConfigError)
    if topology == ManyToOne.name:
        must = f"be {ManyToMany.name} where the target is {kind}"
        fail("config", "model.topology", must, repr(topology), "Leave model.topology out.", ConfigError)


def _check_next_step(draft: Draft, reads: dict[str, type[Field]]) -> None:
    if draft.target:
        then = "Leave the target out: the input is what is continued."
        fail(
            "config",
            "target",
            "be left out where the topology is next-step",
            ", ".join(draft.target),
            then,
            ConfigError,
        )
    if len(reads) != 1 or not issubclass(next(iter(reads.values())), Generated):
        kinds = ", ".join(options["kind"] for options in draft.input.values())
        then = "Pass --target COLUMN to answer something else than the next step."
        fail("config", "input", "be one text where no target is given", kinds, then, ConfigError)


def _kinds(table: dict[str, dict[str, str]], role: str) -> dict[str, type[Field]]:
    known = INPUTS if role == "input" else TARGETS
    for name, options in table.items():
        check_choice("config", f"{role}.{name}.kind", options["kind"], known, ConfigError)
    return {name: FIELDS[options["kind"]] for name, options in table.items()}
