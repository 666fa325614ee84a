"""Decoding finds what it promises: against all sequences there are, row by row, and by counting samples."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch

import elman
from elman.decoding import Decoding, decode, selection, stream_symbols
from elman.layers import LSTM, Decoder

BEGIN, END = 0, 1


class Table:
    """What comes next depends on the symbol before only; the state counts the steps that each row took."""

    gives_log_probabilities = False

    def __init__(self, size=5, seed=0, sharpness=1.5):
        self.logits = sharpness * torch.randn(size, size, generator=torch.Generator().manual_seed(seed))

    def step(self, symbols, state):
        return self.logits.numpy()[symbols], state + 1, None

    def select(self, state, rows):
        return state[rows]

    def state(self, rows):
        return np.zeros(rows)


class Network:
    """A random LSTM over what it generated, each row from a state of its own, with or without attention to a memory."""

    gives_log_probabilities = False

    def __init__(self, size=20, rows=6, attention="none"):
        torch.manual_seed(0)
        self.size, self.lengths = size, torch.tensor([4, 0, 2, 3, 1, 4, 2][:rows])
        memory_size = 0 if attention == "none" else 3
        self.vectors, self.head = torch.nn.Embedding(size, 6), torch.nn.Linear(8, size)
        self.rnn = Decoder(
            6, 8, cell="lstm", memory_size=memory_size, attention=attention, input_feeding=bool(memory_size)
        ).eval()
        with torch.no_grad():
            self.head.weight *= 4
            self.head.bias[END] += {"none": 0.5, "additive": 0.3, "dot": 0.8}[attention]  # so that lengths differ
            self.rnn.body.weight_hh_l0 *= 2
        self.hidden = LSTM(3, 8)(torch.randn(rows, 5, 3))[1]
        self.memory = torch.randn(rows, 4, 3) if memory_size else None
        self.steps, self.fed = self.rnn.packed(), []

    def state(self, rows):
        rows = torch.arange(rows) if isinstance(rows, int) else torch.tensor(rows)
        hidden = type(self.hidden)(*(tensor[rows].detach() for tensor in self.hidden))
        if self.memory is None:
            return self.rnn.start(len(rows), hidden)
        return self.rnn.start(len(rows), hidden, memory=self.memory[rows], lengths=self.lengths[rows])

    @torch.no_grad()
    def step(self, symbols, state):
        self.fed.append(len(symbols))
        features, state, weights = self.rnn.step(self.vectors(torch.from_numpy(symbols)), state, self.steps)
        return self.head(features).numpy(), state, None if weights is None else weights.numpy()

    def select(self, state, rows):
        return state.select(torch.from_numpy(rows))

    def forced(self, row, prompt, hypothesis):
        """The log-probability of what was generated, and its attention, by one whole sequence fed in."""
        symbols = [*prompt, *hypothesis.symbols, *([END] if hypothesis.ended else [])]
        fed = torch.tensor([[BEGIN, *symbols][:-1]])
        with torch.no_grad():
            features, _, weights = self.rnn(self.vectors(fed), self.state([row]))
            logs = self.head(features)[0].log_softmax(-1)
        total = sum(float(logs[t, symbols[t]]) for t in range(len(prompt), len(symbols)))
        return total, None if weights is None else weights[
            0, len(prompt) : len(prompt) + len(hypothesis.symbols)
        ].numpy()


def run(decoder, decoding, rows=6, prompts=None, row_numbers=None):
    count = rows if isinstance(rows, int) else len(rows)
    return decode(decoder, decoder.state(rows), count, BEGIN, END, decoding, prompts, row_numbers)


def words(found):
    return [[hypothesis.symbols for hypothesis in row] for row in found]


def every_sequence(table, longest, alpha=0.0, forbidden=()):
    """All hypotheses that there are, best first: (score, symbols)."""
    logs = table.logits.double().log_softmax(1)
    allowed = [s for s in range(len(logs)) if s != END and s not in forbidden]
    found = []
    for length in range(longest + 1):
        for symbols in itertools.product(allowed, repeat=length):
            whole = [*symbols, END] if length < longest else list(symbols)
            total = sum(float(logs[a, b]) for a, b in itertools.pairwise([BEGIN, *whole]))
            found.append((total / ((5 + len(whole)) / 6) ** alpha, list(symbols)))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("forbidden", [(), (BEGIN, 3)])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all_sequences_there_are(seed, forbidden, alpha):
    table = Table(4, seed)
    expected = every_sequence(table, 4, alpha, forbidden)
    for n_best in (1, 20):
        decoding = Decoding(beam=400, n_best=n_best, max_length=4, length_penalty=alpha, forbidden=forbidden)
        [found] = run(table, decoding, 1)
        best = expected[:n_best]
        scores = {tuple(symbols): score for score, symbols in expected}  # by name, for two may have the same score
        np.testing.assert_allclose([hypothesis.score for hypothesis in found], [s for s, _ in best], rtol=1e-5)
        assert [scores[tuple(h.symbols)] for h in found] == pytest.approx([h.score for h in found], rel=1e-5)
        assert len({tuple(hypothesis.symbols) for hypothesis in found}) == len(best)


@pytest.mark.parametrize("attention", ["none", "additive"])
@pytest.mark.parametrize("more", [{}, {"no_repeat_ngram": 2}, {"repetition_penalty": 1.5, "min_length": 3}])
def test_a_beam_of_one_is_greedy(more, attention):
    decoder = Network(attention=attention)
    greedy = run(decoder, Decoding(max_length=15, **more))
    beam = run(decoder, Decoding(beam=1, max_length=15, **more))
    assert words(beam) == words(greedy)
    for a, b in zip(beam, greedy, strict=True):
        assert a[0].log_probability == pytest.approx(b[0].log_probability, abs=1e-6)
        assert a[0].ended == b[0].ended


def test_a_wider_beam_never_scores_lower_on_average():
    means = []
    for beam in (1, 2, 4, 8):
        scores = []
        for seed in range(30):
            [[best]] = run(Table(8, seed), Decoding(beam=beam, max_length=8), 1)
            scores.append(best.score)
        means.append(np.mean(scores))
    assert means == sorted(means)
    assert means[-1] > means[0] + 0.1


ALL = [
    {},
    {"beam": 4},
    {"beam": 4, "n_best": 3, "length_penalty": 1.0},
    {"temperature": 1.0},
    {"top_p": 0.8, "n_best": 3, "seed": 3},
    {"top_k": 3, "temperature": 2.0},
]
PROMPTS = [np.array(p, np.int64) for p in ([4, 5], [], [7], [2, 2, 2, 9], [3], [])]


@pytest.mark.parametrize("prompts", [None, PROMPTS], ids=["bare", "prompted"])
@pytest.mark.parametrize("attention", ["none", "additive", "dot"])
@pytest.mark.parametrize("options", ALL, ids=str)
def test_batch_and_single_give_the_same_and_teacher_forcing_the_same_probability(options, attention, prompts):
    decoder, decoding = Network(attention=attention), Decoding(max_length=9, **options)
    together = run(decoder, decoding, 6, prompts)
    assert len({len(best.symbols) for best, *_ in together}) > 1  # else rows of one length would be all that is tested
    for row in range(6):
        prompt = [] if prompts is None else prompts[row]
        [alone] = run(decoder, decoding, [row], None if prompts is None else [prompt], row_numbers=[row])
        assert words([alone]) == words([together[row]])
        for a, b in zip(alone, together[row], strict=True):
            assert a.ended == b.ended
            assert a.log_probability == pytest.approx(b.log_probability, abs=1e-5)
            assert a.score == pytest.approx(b.score, abs=1e-5)
            total, weights = decoder.forced(row, prompt, a)
            assert a.log_probability == pytest.approx(total, abs=1e-5)
            if weights is None:
                assert a.attention is None
                assert b.attention is None
            else:
                np.testing.assert_allclose(a.attention, weights, rtol=0, atol=1e-5)
                np.testing.assert_allclose(b.attention, weights, rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0, "seed": 5}, {"no_repeat_ngram": 1}], ids=str)
@pytest.mark.parametrize("prompt", [None, np.array([4, 5])])
def test_symbols_come_as_decode_gives_them(options, prompt):
    decoder, decoding = Network(attention="dot"), Decoding(max_length=12, **options)
    for row in range(6):
        [[whole]] = run(decoder, decoding, [row], None if prompt is None else [prompt], row_numbers=[row])
        coming = stream_symbols(decoder, decoder.state([row]), BEGIN, END, decoding, prompt, row_number=row)
        assert list(coming) == whole.symbols


def test_a_symbol_is_handed_over_before_the_next_one_is_asked_for():
    decoder = Network()
    coming = stream_symbols(decoder, decoder.state([0]), BEGIN, END, Decoding(min_length=5, max_length=8))
    assert decoder.fed == []
    next(coming)
    assert decoder.fed == [1]
    assert not torch.is_inference_mode_enabled()


def test_time_goes_into_live_rows_only():
    decoder = Network()
    found = run(decoder, Decoding(max_length=12))
    lengths = [len(best.symbols) + best.ended for [best] in found]
    assert decoder.fed == [sum(length > t for length in lengths) for t in range(max(lengths))]
    decoder.fed.clear()
    beams = run(decoder, Decoding(beam=4, max_length=12))
    assert decoder.fed[0] == 6  # one hypothesis a row at the start
    assert all(count <= 24 for count in decoder.fed)
    assert sum(decoder.fed) < 24 * len(decoder.fed)
    assert all(len(row) == 1 for row in beams)


def test_n_best_are_sorted_and_distinct():
    for row in run(Network(), Decoding(beam=6, n_best=6, max_length=10)):
        assert len(row) == 6
        assert [h.score for h in row] == sorted((h.score for h in row), reverse=True)
        assert len({(tuple(h.symbols), h.ended) for h in row}) == 6


def test_min_and_max_length_hold_for_what_is_generated():
    decoder = Network()
    for options in ALL:
        for row, hypotheses in enumerate(run(decoder, Decoding(min_length=4, max_length=6, **options), 6, PROMPTS)):
            assert hypotheses, row
            for hypothesis in hypotheses:
                assert 4 <= len(hypothesis.symbols) <= 6
                assert hypothesis.ended == (len(hypothesis.symbols) < 6)


def test_what_is_forbidden_is_never_generated_but_may_stand_in_a_prompt():
    decoder, forbidden = Network(), (0, 2, 9, *range(12, 20))
    for options in ALL:
        found = run(decoder, Decoding(forbidden=forbidden, max_length=10, **options), 6, PROMPTS)
        assert not {s for row in found for h in row for s in h.symbols}.intersection(forbidden)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_ngram_stands_twice_the_prompts_among_them(n):
    decoder, repeats = Network(4), 0
    for options in ALL:
        for sign, decoding in (
            (0, Decoding(max_length=20, **options)),
            (n, Decoding(max_length=20, no_repeat_ngram=n, **options)),
        ):
            for row in run(decoder, decoding, 6, [np.array([2, 3, 2])[:n]] * 6):
                for hypothesis in row:
                    whole = [*[2, 3, 2][:n], *hypothesis.symbols]
                    counts = Counter(tuple(whole[at : at + n]) for at in range(len(whole) - n + 1))
                    if sign:
                        assert max(counts.values()) == 1
                    repeats += max(counts.values()) > 1
    assert repeats


def test_a_sequence_ends_where_no_symbol_is_left():
    [[only]] = run(Table(4), Decoding(no_repeat_ngram=1, min_length=9, max_length=9, forbidden=(BEGIN,)), 1)
    assert sorted(only.symbols) == [2, 3]
    assert only.ended


@pytest.mark.parametrize("options", ALL, ids=str)
def test_the_end_symbol_in_a_prompt_ends_nothing(options):
    decoder, decoding = Network(), Decoding(min_length=2, max_length=4, **options)
    prompt = np.array([3, END, 4])
    [found] = run(decoder, decoding, [0], [prompt])
    for hypothesis in found:
        assert len(hypothesis.symbols) >= 2
        assert hypothesis.log_probability == pytest.approx(decoder.forced(0, prompt, hypothesis)[0], abs=1e-5)


def test_a_repetition_penalty_multiplies_log_probabilities():
    table = Table(6)
    logs = table.logits.log_softmax(1)
    prompt = [3, 4]
    wanted = logs[4].clone()
    wanted[prompt] *= 2.5
    decoding = Decoding(repetition_penalty=2.5, max_length=1)
    [[best]] = run(table, decoding, 1, [np.array(prompt)])
    chosen = int(wanted.argmax())
    assert (best.symbols or [END]) == [chosen]
    assert best.log_probability == pytest.approx(float(logs[4, chosen]))
    rates = []
    for penalty in (1.0, 3.0):
        found = run(Network(), Decoding(repetition_penalty=penalty, min_length=15, max_length=15))
        rates.append(np.mean([len(set(h.symbols)) for [h] in found]))
    assert rates[1] > rates[0]


class Attentive(Table):
    """Two sequences of two symbols: the likelier attends less to the first of two places, more to the second."""

    def __init__(self):
        super().__init__(5)
        self.logits = torch.full((5, 5), -30.0)
        self.logits[BEGIN, 2] = 0
        self.logits[2, 3], self.logits[2, 4] = 0.2, 0
        self.logits[3, END] = self.logits[4, END] = 0

    def step(self, symbols, state):
        weights = np.array([[0.4, 0.6, 0], [0, 0, 0], [0.4, 0.6, 0], [0, 0.7, 0], [0.9, 0.1, 0]])
        return self.logits.numpy()[symbols], state + 1, weights[symbols]


def test_coverage_ranks_higher_what_attended_everywhere_by_the_formula():
    plain, covered = (run(Attentive(), Decoding(beam=3, n_best=2, coverage_penalty=beta), 1)[0] for beta in (0.0, 2.0))
    assert [h.symbols for h in plain] == [[2, 3], [2, 4]]
    assert [h.symbols for h in covered] == [[2, 4], [2, 3]]
    for hypothesis, sums in zip(covered, ([1.7, 1.3], [0.8, 1.9]), strict=True):
        penalty = 2 * sum(math.log(min(attention, 1)) for attention in sums)
        assert hypothesis.score == pytest.approx(hypothesis.log_probability + penalty, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        ({"beam": 4, "length_penalty": 2.0}, {"beam": 4}),
        ({"beam": 4, "coverage_penalty": 3.0}, {"beam": 4}),
        ({"beam": 4}, {}),
        ({"temperature": 0.2}, {"temperature": 1.0}),
        ({"top_k": 2}, {"temperature": 1.0}),
        ({"top_p": 0.3}, {"temperature": 1.0}),
        ({"temperature": 1.0, "seed": 1}, {"temperature": 1.0}),
        ({"repetition_penalty": 3.0}, {}),
        ({"no_repeat_ngram": 1}, {}),
        ({"min_length": 7}, {}),
        ({"max_length": 2}, {}),
        ({"beam": 4, "n_best": 2}, {"beam": 4}),
        ({"forbidden": (5, 6, 7, 8)}, {}),
    ],
    ids=str,
)
def test_every_option_changes_what_is_generated(options, plain):
    decoder = Network(attention="dot")
    assert words(run(decoder, Decoding(**{"max_length": 12, **options}))) != words(
        run(decoder, Decoding(**{"max_length": 12, **plain}))
    )


def first_symbols(table, decoding, rows=4000):
    """The first symbol that each of many rows samples."""
    found = run(table, decoding, rows)
    return Counter((best.symbols or [END])[0] for [best] in found)


@pytest.mark.parametrize("temperature", [1e-30, 1e-42, 5e-324])
def test_the_smallest_temperature_samples_the_most_likely_symbol(temperature):
    table = Table(8)
    assert words(run(table, Decoding(temperature=temperature))) == words(run(table, Decoding()))


def test_whole_numbers_of_numpy_are_whole_numbers():
    table = Table()
    found = run(table, Decoding(beam=np.int64(3), max_length=np.int32(4), n_best=np.int64(2)))
    assert found == run(table, Decoding(beam=3, max_length=4, n_best=2))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_frequencies_of_the_softmax(temperature):
    table = Table(6, sharpness=1.0)
    counts = first_symbols(table, Decoding(temperature=temperature, max_length=1))
    expected = 4000 * (table.logits[BEGIN] / temperature).softmax(0).numpy()
    statistic = sum((counts[s] - e) ** 2 / e for s, e in enumerate(expected))
    assert statistic < 20.5  # of chi-square with 5 degrees of freedom, 1 in 1000 lies above


def test_successive_samples_of_a_row_are_independent():
    table = Table(3)
    table.logits = torch.zeros(3, 3)
    table.logits[:, END] = -50
    pairs = Counter(tuple(best.symbols) for [best] in run(table, Decoding(temperature=1.0, max_length=2), 4000))
    assert sum((pairs[pair] - 1000) ** 2 / 1000 for pair in itertools.product((0, 2), repeat=2)) < 16.3  # 3 degrees


@pytest.mark.parametrize("size", [6, 2000])
@pytest.mark.parametrize("top_p", [0.3, 0.7, 0.95, 1.0])
def test_the_nucleus_is_the_fewest_symbols_that_have_the_mass(top_p, size):
    table = Table(size, sharpness=0.5)
    shares, order = table.logits[BEGIN].softmax(0).sort(descending=True)
    kept = int((shares.double().cumsum(0) < top_p - 1e-9).sum()) + 1
    counts = first_symbols(table, Decoding(top_p=top_p, max_length=1), 4000 if size == 6 else 300)
    inside = set(order[:kept].tolist())
    assert set(counts) <= inside
    if size == 6:
        assert set(counts) == inside
        expected = 4000 * shares[:kept] / shares[:kept].sum()
        statistic = sum((counts[int(s)] - float(e)) ** 2 / float(e) for s, e in zip(order, expected, strict=False))
        assert statistic < 20.5


def test_top_k_keeps_k_symbols():
    table = Table(6)
    assert set(first_symbols(table, Decoding(top_k=2, max_length=1))) == set(
        table.logits[BEGIN].topk(2).indices.tolist()
    )
    assert len(first_symbols(table, Decoding(top_k=50, temperature=5.0, max_length=1))) == 6
    assert words(run(Network(), Decoding(top_k=1))) == words(run(Network(), Decoding()))


def test_one_seed_gives_the_same_another_seed_row_and_sample_something_else():
    decoder = Network()
    found = [words(run(decoder, Decoding(temperature=1.0, n_best=4, min_length=5, seed=seed))) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert all(len({tuple(symbols) for symbols in row}) == 4 for row in found[0])
    one = Network(rows=1)
    pair = [run(one, Decoding(temperature=1.0, min_length=5), 1, row_numbers=[n])[0][0].symbols for n in (0, 1)]
    assert pair[0] != pair[1]


def test_no_rows_give_nothing():
    assert decode(Table(), np.zeros(0), 0, BEGIN, END, Decoding(beam=3)) == []


class Mute(Table):
    def step(self, symbols, state):
        logits, state, _ = super().step(symbols, state)
        return np.where(np.arange(5) == BEGIN, logits, -np.inf), state, None


class Broken(Table):
    def step(self, symbols, state):
        logits, state, _ = super().step(symbols, state)
        return logits * float("nan"), state, None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Decoding(beam=0), r"decoding: beam must be at least 1, got 0"),
        (lambda: Decoding(beam=2.5), r"beam must be a whole number, got 2\.5"),
        (lambda: Decoding(temperature=0), r"temperature must be above 0, got 0"),
        (lambda: Decoding(temperature=float("nan")), r"temperature must be above 0, got nan"),
        (lambda: Decoding(temperature="1"), r"temperature must be a number, got '1'"),
        (lambda: Decoding(temperature=True), r"temperature must be a number, got True"),
        (lambda: Decoding(temperature=math.inf), r"temperature must be finite, got inf"),
        (lambda: Decoding(repetition_penalty=math.inf), r"repetition_penalty must be finite"),
        (lambda: Decoding(beam=3, length_penalty=math.inf), r"length_penalty must be finite, got inf"),
        (lambda: Decoding(beam=3, coverage_penalty="a"), r"coverage_penalty must be a number"),
        (lambda: Decoding(beam=True), r"beam must be a whole number, got True"),
        (lambda: Decoding(seed=1), r"seed must go with temperature, top_k or top_p, got 1\. Sample with temperature=1"),
        (lambda: Decoding(beam=2, seed=1), r"seed must go with temperature, top_k or top_p"),
        (lambda: Decoding(top_p=1.5), r"top_p must be above 0 and at most 1, got 1\.5"),
        (lambda: Decoding(length_penalty=1.0), r"length_penalty must go with a beam, got 1\.0\. Set beam=5"),
        (lambda: Decoding(coverage_penalty=1.0), r"coverage_penalty must go with a beam"),
        (lambda: Decoding(beam=3, coverage_penalty=-1.0), r"coverage_penalty must be at least 0, got -1\.0"),
        (lambda: Decoding(beam=3, top_k=3), r"top_k must go without a beam, got 3"),
        (lambda: Decoding(min_length=200), r"min_length must be at most max_length, got 200 and 100"),
        (lambda: Decoding(n_best=2), r"n_best must be 1 where the best symbol is taken, got 2\. Set beam=2"),
        (lambda: Decoding(beam=2, n_best=3), r"n_best must be at most beam, got 3"),
        (lambda: run(Table(), Decoding(forbidden=(END,)), 1), r"forbidden must leave `end` alone, got \(1,\)"),
        (lambda: run(Table(), Decoding(), 2, [np.array([1])]), r"prompts must be one per row, got 1 for 2 rows"),
        (lambda: run(Table(), Decoding(), 2, row_numbers=[1]), r"row_numbers must be one per row"),
        (lambda: run(Table(), Decoding(beam=2, coverage_penalty=1.0), 1), r"coverage_penalty must go with attention"),
        (lambda: run(Broken(), Decoding(), 1), r"logits must be finite numbers"),
        (lambda: run(Mute(), Decoding(forbidden=(BEGIN,)), 1), r"logits must be finite numbers"),
        (lambda: run(Mute(), Decoding(beam=3, forbidden=(BEGIN,)), 1), r"leave each row a symbol that is allowed"),
        (lambda: run(Broken(), Decoding(beam=3), 1), r"logits must be finite numbers"),
        (lambda: run(Broken(), Decoding(top_p=0.5), 1), r"logits must be finite numbers"),
        (
            lambda: stream_symbols(Table(), 0, BEGIN, END, Decoding(beam=2)),
            r"beam must be None when symbols are streamed, got 2",
        ),
        (lambda: stream_symbols(Table(), 0, BEGIN, END, Decoding(top_k=2, n_best=2)), r"n_best must be 1 when symbols"),
    ],
)
def test_what_does_not_go_together_is_refused_by_name(call, message):
    with pytest.raises(elman.ElmanError, match=message):
        call()


def test_a_search_among_many_symbols_finds_what_it_finds_by_sorting_all(monkeypatch):
    table = Table(size=600)
    assert words(run(table, Decoding(beam=1, max_length=9))) == words(run(table, Decoding(max_length=9)))
    wide = Decoding(beam=4, n_best=4, max_length=6)
    by_blocks = words(run(table, wide))
    monkeypatch.setattr(selection, "BLOCK", 2**20)
    assert words(run(table, wide)) == by_blocks
