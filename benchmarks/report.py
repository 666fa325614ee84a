"""docs/benchmarks.md from benchmarks/results.json: every measured shape, wins and losses."""

from collections.abc import Iterable, Mapping

from benchmarks.goals import FULL_LENGTH_MEAN, full_length_mean, goals_of, limits_of
from benchmarks.results import DECODING, EPOCH
from benchmarks.works import ELMAN, WORKS
from elman.types import Json

HEAD = """# Benchmarks

Written by `make bench` from `benchmarks/results.json`; not by hand. All figures are medians in float32 on a CPU, except
where a work says otherwise.

A **ratio** is a contender's time over elman's: above 1 elman is faster, and below 1 stands **loss**. Where the kernels
were built for a goal, it stands beside, reached or missed. "of ceiling" is elman's rate as a share of what this
machine can do at most, measured: float32 multiply-adds of as many cores as threads, or reads of the weights where
these are the limit.

How it is measured (`benchmarks/timing.py`): the contenders of an item run in one process, a block of calls each in
turn, many rounds, with equal weights, inputs and number of threads, and each must first give the same answer. Left out
are blocks that other programs disturbed: this process stood in line for a processor for more than 3 % of the block. A
contender with fewer than three undisturbed blocks keeps the faster half of all: a ratio with such a side has ~ before
it, and its goal counts as neither reached nor missed. "undisturbed" is the share of the blocks of the contender that
was disturbed most. ONNX Runtime, OpenVINO and XLA wait for work by their own defaults, OpenMP as each machine's section
says, and between two blocks there is a pause in which the threads of the one before fall asleep. JAX and the ONNX
operators are given time-first arrays, as they want.

![Ratios of all contenders](benchmarks.png)
"""
ABOUT = {name: work.about for name, work in WORKS.items()} | {
    EPOCH: "One epoch over the sentences of SST-2, bidirectional, batches of 32: from reading the file to the last "
    "step, the second of two in a process, so that no compilation counts. `torch packed` shuffles and packs, `torch "
    "padded` sorts into batches of like length and computes the padding, `Keras on JAX` pads to 16, 32 or 64 steps.",
    DECODING: "Translation of 64 sentences of 4 to 14 words, vocabularies of 10,000, a bidirectional encoder, dot "
    "attention: from ids to ids, greedily. All have the same weights and write the same symbols; JoeyNMT (Luong "
    "attention, no input feeding) and the loop over torch.nn go on with all rows until the last has ended. `elman, "
    "beam 5` is over elman's greedy time, at most 4 as a goal; `JoeyNMT, beam 5` is over elman's beam.",
}
OWN = (
    "full length x real share",
    "one direction, 1 thread",
    "elman float32",
    "elman, beam 5",
)  # elman itself: not a loss to a peer


def page(entries: Iterable[Json], machines: Mapping[str, Json]) -> str:
    """The Markdown page, a section per machine."""
    entries = list(entries)
    sections = [
        _section(name, machines.get(name, {}), [entry for entry in entries if entry["machine"] == name])
        for name in dict.fromkeys(entry["machine"] for entry in entries)
    ]
    return "\n".join([HEAD, *sections])


def losses(entries: Iterable[Json]) -> list[tuple[Json, str]]:
    """Every entry with a faster peer, and that peer."""
    return [(e, name) for e in entries for name, ratio in e["ratios"].items() if ratio < 1 and name not in OWN]


def shape(entry: Json) -> str:
    """B x T x D x H."""
    return " x ".join(str(entry[name]) for name in ("batch", "time", "input_size", "hidden_size"))


def _section(name: str, machine: Json, entries: list[Json]) -> str:
    lines = [f"## {name}\n", *_description(machine), *_summary(entries)]
    for work in ABOUT:
        found = [entry for entry in entries if entry["work"] == work]
        if found:
            lines += [f"\n### {work.capitalize()}\n", ABOUT[work], ""]
            lines += _table(found)
    return "\n".join(lines) + "\n"


def _description(machine: Json) -> list[str]:
    if not machine:
        return []
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    lines = [
        f"{machine['system']}; {versions}. elman's kernels: {machine['kernels']}; OMP_WAIT_POLICY {machine['wait']}."
    ]
    if machine["ceilings"]:
        reads = machine["ceilings"]["reads"]
        speeds = ", ".join(f"{reads[size]:.0f} from {size} KiB" for size in ("16", "256", "4096", "65536"))
        lines.append(f"Ceilings a core: {machine['ceilings']['gflops']:.0f} GF/s; reads in GB/s {speeds}.")
    return [*lines, ""]


def _summary(entries: list[Json]) -> list[str]:
    peers = [ratio for entry in entries for name, ratio in entry["ratios"].items() if name not in OWN]
    lost = losses(entries)
    lines = [f"{len(peers)} comparisons with peers: {len(peers) - len(lost)} won, {len(lost)} lost."]
    goals = [_goal(entry, who) for entry in entries for who in entry["ratios"] if _sure(entry, who)]
    met = [goal[1] for goal in goals if goal is not None]
    if met:
        lines.append(f"{len(met)} goals: {sum(met)} reached, {len(met) - sum(met)} missed.")
    mean = full_length_mean(entries)
    if mean is not None:
        verdict = "reached" if mean >= FULL_LENGTH_MEAN else "**missed**"
        lines.append(f"LSTM at full length over torch.nn, mean: {mean:.2f} (goal {FULL_LENGTH_MEAN} {verdict}).")
    if lost:
        lines.append("\nLosses:\n")
        lines += [
            f"- {e['work']}, {e['cell']}, {shape(e)}, {e['threads']} threads: {_ratio(e, who)} to {who}"
            for e, who in lost
        ]
    return lines


def _table(entries: list[Json]) -> list[str]:
    peers = list(dict.fromkeys(name for entry in entries for name in entry["ratios"]))
    lines = [
        "| cell | B x T x D x H | threads | elman µs | "
        + "".join(f"{peer} | " for peer in peers)
        + "of ceiling | spread | undisturbed | off by |",
        "|---|---|---|---|" + "---|" * len(peers) + "---|---|---|---|",
    ]
    for entry in entries:
        ratios = "".join(f"{_ratio(entry, peer)} | " for peer in peers)
        rate = f"{entry['gflops'] / entry['ceiling']:.0%}" if entry.get("ceiling") else ""
        spread = f"{entry['spread'][ELMAN]:.0%}"
        calm = f"{min(entry['undisturbed'].values()):.0%}" if "undisturbed" in entry else ""
        off = f"{entry['distance']:.0e}" if "distance" in entry else ""
        time = _short(entry["microseconds"][ELMAN])
        begin = f"| {entry['cell']} | {shape(entry)} | {entry['threads']} | {time} | {ratios}"
        lines.append(f"{begin}{rate} | {spread} | {calm} | {off} |")
    firsts = {f"{entry['cell']} {_first(entry)}": None for entry in entries if "first" in entry}
    lines += ["", f"First epochs, in seconds, compilation and imports included: {'; '.join(firsts)}."] if firsts else []
    missing = {f"{name} ({reason})" for entry in entries for name, reason in entry.get("left_out", {}).items()}
    return [*lines, *(["", f"Left out: {'; '.join(sorted(missing))}."] if missing else [])]


def _first(entry: Json) -> str:
    return ", ".join(f"{name} {microseconds / 1e6:.1f}" for name, microseconds in entry["first"].items())


def _short(microseconds: float) -> str:
    return f"{microseconds:,.0f}" if microseconds >= 100 else f"{microseconds:.3g}"


def _sure(entry: Json, who: str) -> bool:
    """Whether both sides of a ratio have enough undisturbed blocks."""
    return not {ELMAN, who} & set(entry.get("unsure", ()))


def _ratio(entry: Json, who: str) -> str:
    if who not in entry["ratios"]:
        return ""
    ratio, goal = entry["ratios"][who], _goal(entry, who)
    said = f"{ratio:.2f}" if 0.1 <= ratio < 10 else f"{ratio:.3g}"
    said = f"**{said} loss**" if ratio < 1 and who not in OWN else said
    if not _sure(entry, who):
        return f"~{said}" if goal is None else f"~{said} (goal {goal[0]})"
    return said if goal is None else f"{said} (goal {goal[0]} {'reached' if goal[1] else '**missed**'})"


def _goal(entry: Json, who: str) -> tuple[str, bool] | None:
    """The goal of a ratio, and whether it is reached."""
    least, most = goals_of(entry).get(who), limits_of(entry).get(who)
    if least is not None:
        return f"{least:.3g}", entry["ratios"][who] >= least
    return None if most is None else (f"at most {most:.3g}", entry["ratios"][who] <= most)
