"""The benchmarks measure what their tables say, and their page hides no loss."""

import ast
from pathlib import Path

import pytest

import benchmarks
from benchmarks import results
from benchmarks.ceilings import ceiling
from benchmarks.decoding import CONTENDERS as TRANSLATORS
from benchmarks.end_to_end import CONTENDERS
from benchmarks.end_to_end import entry_of as entry_of_epoch
from benchmarks.goals import GOALS, LIMITS, full_length_mean, goals_of
from benchmarks.items import ITEMS, TABLE, picked
from benchmarks.peers import decode_own, decode_torch
from benchmarks.peers.translation import MOST, make_translation
from benchmarks.report import losses, page
from benchmarks.results import DECODING, EPOCH, merged
from benchmarks.works import ELMAN, WORKS

FOLDER = Path(benchmarks.__file__).parent


def entry_of(item: str, machine: str = "M", ours: float = 10.0, **times: float) -> dict:
    """An entry as a measurement gives it, with the contenders' microseconds by name, _ for a space and a dot."""
    times = {name.replace("torch_nn", "torch.nn").replace("_", " "): value for name, value in times.items()}
    return {
        **ITEMS[item]._asdict(),
        "machine": machine,
        "microseconds": {ELMAN: ours, **times},
        "ratios": {name: value / ours for name, value in times.items()},
        "spread": dict.fromkeys((ELMAN, *times), 0.01),
        "undisturbed": dict.fromkeys((ELMAN, *times), 1.0),
        "gflops": 20.0,
        "ceiling": 40.0,
        "left_out": {},
    }


GRU = "training/gru/b32-t128-d128-h128/2t"
LSTM = "training/lstm/b32-t128-d128-h128/2t"


def test_every_item_has_a_work_and_every_id_is_its_own():
    combinations = sum(len(works) * len(cells) * len(shapes) * len(n) for works, cells, shapes, n in TABLE)
    assert len(ITEMS) == combinations
    assert {item.work for item in ITEMS.values()} == set(WORKS)
    assert all(item.input_size > 0 and item.threads in (1, 2) for item in ITEMS.values())


@pytest.mark.parametrize("name", WORKS)
def test_every_contender_of_a_work_is_a_function_of_its_file(name):
    work = WORKS[name]
    assert next(iter(work.contenders)) == ELMAN
    for where in work.contenders.values():
        module, _, function = where.partition(":")
        # Parsed, not imported: the peer need not be installed.
        tree = ast.parse((FOLDER / "peers" / f"{module}.py").read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_goal_is_of_an_item_and_of_a_contender_that_runs_it():
    epochs = [{"work": EPOCH, "cell": cell, "batch": 32, "hidden_size": 128, "threads": 2} for cell in ("lstm", "gru")]
    translation = {"work": DECODING, "cell": "lstm", "batch": 64, "hidden_size": 256, "threads": 2}
    entries = [*(item._asdict() for item in ITEMS.values()), *epochs, translation]
    contenders = {name: work.contenders for name, work in WORKS.items()}
    contenders |= {EPOCH: CONTENDERS, DECODING: TRANSLATORS}
    for goal in [*GOALS, *LIMITS]:
        assert any(goal.fits(entry) for entry in entries), goal
        assert goal.against in contenders[goal.work], goal


def test_those_who_translate_write_the_same():
    task = make_translation(6, 8)
    written = decode_own.greedy(task)()
    assert written == decode_torch.greedy(task)()
    assert written != decode_own.beam(task)()
    steps = [len(row) for row in written]
    assert 2 <= min(steps) < max(steps) < MOST


def test_of_two_goals_the_higher_counts():
    assert goals_of(entry_of(GRU)) == {"torch.nn": 2.8}
    assert goals_of(entry_of("training/gru/b1-t256-d128-h128/2t")) == {"torch.nn": 20, "JAX": 2}


@pytest.mark.parametrize(
    ("only", "threads", "expected"),
    [
        (GRU, None, [GRU]),
        ("training/gru/b32-t128-d128-*", 2, [GRU]),
        ("step/gru/b1-t1-d64", None, ["step/gru/b1-t1-d64-h64/1t", "step/gru/b1-t1-d64-h64/2t"]),
        (LSTM, 3, []),
        (None, None, list(ITEMS)),
    ],
)
def test_only_picks_by_glob_or_part(only, threads, expected):
    assert [item.id for item in picked(only, threads)] == expected


def test_what_is_measured_again_replaces_only_itself():
    old = [entry_of(GRU, ours=10), entry_of(LSTM, ours=20), entry_of(GRU, machine="N", ours=30)]
    found = merged(old, [entry_of(GRU, ours=11)])
    assert [(e["machine"], e["cell"], e["microseconds"][ELMAN]) for e in found] == [
        ("M", "gru", 11),
        ("M", "lstm", 20),
        ("N", "gru", 30),
    ]


def test_entries_are_added_to_the_files(tmp_path):
    for ours in (10.0, 12.0):
        results.add(entry_of(GRU, ours=ours), {"cpu": "C"}, tmp_path)
    results.add(entry_of(LSTM), {"cpu": "C"}, tmp_path)
    entries, machines = results.read(tmp_path)
    assert [entry["microseconds"][ELMAN] for entry in entries] == [12.0, 10.0]
    assert machines == {"M": {"cpu": "C"}}


def test_the_page_shows_wins_losses_and_goals():
    entries = [entry_of(GRU, torch_nn=30, JAX=9), entry_of(LSTM, torch_nn=9.6)]
    said = page(entries, {})
    assert "| gru | 32 x 128 x 128 x 128 | 2 | 10 | 3.00 (goal 2.8 reached) | **0.90 loss** | 50% | 1% | 100% |" in said
    assert "**0.96 loss** (goal 0.97 **missed**)" in said
    assert "3 comparisons with peers: 1 won, 2 lost." in said
    assert "2 goals: 1 reached, 1 missed." in said
    assert "mean: 0.96 (goal 1.05 **missed**)" in said
    assert said.count("- training, ") == len(losses(entries)) == 2


def test_elman_against_itself_is_no_loss_to_a_peer():
    own = "packed-own/gru/b32-t128-d128-h128/2t"
    entry = entry_of(own) | {"ratios": {"full length x real share": 0.9}}
    assert losses([entry]) == []
    assert "0.90 (goal 0.87 reached)" in page([entry], {})


def test_a_beam_may_take_four_times_as_long_as_the_best_symbol():
    entry = entry_of(LSTM) | {"work": DECODING}
    for ratio, verdict in ((4.0, "reached"), (4.1, "**missed**")):
        said = page([entry | {"ratios": {"elman, beam 5": ratio}}], {})
        assert f"{ratio:.2f} (goal at most 4 {verdict})" in said
        assert "1 goals: " in said


@pytest.mark.parametrize("disturbed", [ELMAN, "torch.nn"])
def test_a_ratio_from_disturbed_blocks_decides_no_goal(disturbed):
    entry = entry_of(GRU, torch_nn=30) | {"unsure": [disturbed]}
    said = page([entry], {})
    assert "| ~3.00 (goal 2.8) |" in said
    assert "goals:" not in said


def test_an_epoch_stands_on_the_page_with_its_first_one():
    runs = {name: [{"seconds": [5.0, seconds]}] for name, seconds in {ELMAN: 2.0, "torch packed": 5.0}.items()}
    entry = entry_of_epoch("gru", runs, {"Keras on JAX": "not installed: keras"}, 52) | {"machine": "M"}
    said = page(merged([], [entry]), {})
    assert "| gru | 32 x 52 x 100 x 128 | 2 | 2,000,000 | 2.50 (goal 2.5 reached) |" in said
    assert "First epochs, in seconds, compilation and imports included: gru elman 5.0, torch packed 5.0." in said


def test_the_page_says_who_was_left_out():
    entry = entry_of(GRU, torch_nn=30) | {"left_out": {"JAX": "not installed: jax"}}
    assert "Left out: JAX (not installed: jax)." in page([entry], {})


def test_the_mean_over_full_length_takes_only_large_batches_of_the_lstm():
    one_row = entry_of("training/lstm/b1-t256-d128-h128/2t", torch_nn=90)
    assert full_length_mean([entry_of(GRU, torch_nn=50), one_row]) is None
    assert full_length_mean([one_row, entry_of(LSTM, torch_nn=12)]) == pytest.approx(1.2)


def test_the_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks.plot import draw

    draw([entry_of(GRU, torch_nn=30, JAX=9), entry_of(LSTM, torch_nn=9.6)], tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_step_is_limited_by_reads_and_a_large_batch_by_multiply_adds():
    found = {"gflops": 100.0, "reads": {"16": 200.0, "65536": 20.0}}
    step, batch = ITEMS["step/lstm/b1-t1-d512-h512/1t"], ITEMS["training/lstm/b64-t128-d512-h512/2t"]
    assert ceiling(step, found) == 10  # 20 GB/s of 4-byte weights, 2 operations each
    assert ceiling(batch, found) == 200
    assert ceiling(batch, {}) is None


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_file_of_the_benchmarks_is_too_long_and_each_says_what_it_is(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 200
    assert ast.get_docstring(ast.parse(text))
