"""Every topology: padding and batch mates change nothing, and what is generated is what was learned."""

import numpy as np
import pytest
import torch
from networks import CASES, CELLS, GENERATING, TABLE, built, poisoned, row_of

import elman
from elman.decoding import Decoding
from elman.errors import DataError
from elman.inference import NetworkStepDecoder, hypotheses
from elman.kernels import KERNELS
from elman.layers.native import projection

# Every topology with the LSTM, and every cell with the topologies that differ most in how they run it.
EVERY = [(case, "lstm") for case in CASES]
EVERY += [(case, cell) for case in ("many-to-many", "encoder-decoder, fed") for cell in CELLS if cell != "lstm"]
GENERATED = [(case, cell) for case, cell in EVERY if case in GENERATING]
GENERATED += [(case, cell) for case in ("next-step", "encoder-decoder, additive") for cell in CELLS if cell != "lstm"]
ROWS = np.arange(12)


def losses_and_gradients(network, batch):
    network.zero_grad(set_to_none=True)
    loss = network.loss(batch)
    loss.part.backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return loss.rows, {name: gradient for name, gradient in gradients.items() if gradient is not None}


@pytest.mark.parametrize(("case", "cell"), EVERY)
def test_what_stands_in_the_padding_changes_no_bit_of_losses_and_gradients(case, cell):
    model, examples = built(case, cell)
    batch = examples.batch(ROWS)

    losses, gradients = losses_and_gradients(model.network, batch)
    others, spoiled = losses_and_gradients(model.network, poisoned(batch))

    assert torch.equal(losses, others)
    assert gradients.keys() == spoiled.keys()
    assert len(gradients) > 2
    for name, gradient in gradients.items():
        assert torch.equal(gradient, spoiled[name]), name
        assert gradient.isfinite().all(), name


@pytest.mark.parametrize(("case", "cell"), EVERY)
def test_a_row_has_the_same_loss_alone_as_in_a_batch(case, cell):
    model, examples = built(case, cell)
    batch = examples.batch(ROWS)

    with torch.no_grad():
        together = model.network.loss(batch).rows
        alone = torch.cat([model.network.loss(row_of(batch, row)).rows for row in range(len(ROWS))])

    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)
    assert together.unique().numel() > 6


@pytest.mark.parametrize("case", [case for case in CASES if case != "next-step"])
def test_answers_are_the_same_alone_and_in_a_batch(case):
    model, _ = built(case)
    decode = {"min_length": 3, "max_length": 8} if case in GENERATING else {}
    values = [{name: TABLE[name][row] for name in model.fields.inputs} for row in range(9)]

    together = model.answers(values, **decode)
    alone = [model.answers([value], **decode)[0] for value in values]

    assert [predictions(row) for row in together] == [predictions(row) for row in alone]
    for row, other in zip(together, alone, strict=True):
        assert row.get("probabilities", {}) == pytest.approx(other.get("probabilities", {}), abs=1e-5)
    assert len({str(row) for row in together}) > 1


def predictions(row: dict) -> list:
    """The answers of all targets."""
    return [row["prediction"]] if "prediction" in row else [answer["prediction"] for answer in row.values()]


def test_a_continuation_is_the_same_alone_and_in_a_batch():
    model, _ = built("next-step")
    prompts = ["a b c", "h", "c c", "a"]

    together = model.generate(prompts, top_k=1, max_length=6)

    assert together == [model.generate([prompt], top_k=1, max_length=6)[0] for prompt in prompts]
    assert len({str(row) for row in together}) == 4
    streamed = ["".join(model.generate([prompt], stream=True, top_k=1, max_length=6)) for prompt in prompts]
    assert streamed == [best for [best] in together]


@pytest.mark.parametrize("rows", [1, 8], ids=["plain", "packed"])
@pytest.mark.parametrize(("case", "cell"), GENERATED)
def test_steps_of_the_step_decoder_are_those_of_teacher_forcing(case, cell, rows):
    model, examples = built(case, cell)
    network, batch = model.network, examples.batch(ROWS)
    ((targets, lengths),) = batch.targets.values()

    with torch.inference_mode():
        features = network(batch)
        taught = torch.log_softmax(network.heads[0](features.steps.flatten(0, 1)), -1).unflatten(0, targets.shape)
        decoder = NetworkStepDecoder(network, rows)
        state = network.topology.begin(network.encode(network.tensors(batch).inputs), len(ROWS))
        symbols, stepped = np.full(len(ROWS), network.generated.begin), []
        for step in range(targets.shape[1]):
            logs, state, _ = decoder.step(symbols, state)
            stepped.append(torch.from_numpy(logs))
            symbols = targets[:, step]

    real = torch.from_numpy(np.arange(targets.shape[1]) < lengths[:, None])
    torch.testing.assert_close(torch.stack(stepped, 1)[real], taught[real], rtol=0, atol=1e-5)
    assert taught[real].std() > 0.1


@pytest.mark.skipif(KERNELS.library is None, reason="no kernels here")
@pytest.mark.parametrize("case", ["next-step", "encoder-decoder, dot"])
def test_the_head_is_packed_where_many_rows_are_generated_together(case, monkeypatch):
    model, _ = built(case)
    weights, packed = [], projection.packed
    monkeypatch.setattr(projection, "packed", lambda weight, bias: weights.append(weight) or packed(weight, bias))

    NetworkStepDecoder(model.network, rows=1)
    assert not any(weight is model.network.heads[0].softmax.weight for weight in weights)
    NetworkStepDecoder(model.network, rows=8)
    assert sum(weight is model.network.heads[0].softmax.weight for weight in weights) == 1


@pytest.mark.parametrize("decoding", [Decoding(max_length=8), Decoding(beam=3, n_best=2, max_length=8)], ids=["1", "3"])
@pytest.mark.parametrize("case", GENERATING)
def test_what_is_generated_has_the_score_that_teacher_forcing_gives_it_alone_and_in_a_batch(case, decoding):
    model, examples = built(case)
    network, field = model.network, model.network.generated
    batch = examples.batch(ROWS[:5])

    together = hypotheses(network, batch, decoding)

    for row, found in enumerate(together):
        own = row_of(batch, row)
        [alone] = hypotheses(network, own, decoding)
        assert [one.symbols for one in alone] == [one.symbols for one in found]
        for one, other in zip(alone, found, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-5)
            symbols = [*one.symbols, *([field.end] if one.ended else [])]
            name = field.name
            column = own.targets[name]._replace(values=np.array([symbols]), lengths=np.array([len(symbols)]))
            with torch.no_grad():
                taught = network.loss(own._replace(targets={name: column})).rows
            assert one.log_probability == pytest.approx(-float(taught), abs=1e-5)


@pytest.mark.parametrize("case", [case for case in GENERATING if case != "next-step"])
def test_a_beam_of_one_answers_as_greedy_does(case):
    model, _ = built(case)
    values = {name: TABLE[name] for name in model.fields.inputs}

    greedy = model.predict(values, min_length=3, max_length=8)

    assert (model.predict(values, beam=1, min_length=3, max_length=8) == greedy).all()
    assert len(set(greedy)) > 1


@pytest.mark.parametrize(("prompt", "says"), [("zebra", "hold a known word, got 'zebra'"), (" ", "hold some text")])
def test_a_prompt_of_which_nothing_is_known_is_refused(prompt, says):
    model, _ = built("next-step")

    for write in (lambda: model.generate([prompt, "a"]), lambda: list(model.generate([prompt], stream=True))):
        with pytest.raises(DataError, match=rf"the prompt must {says}.*\. Give one that training has seen") as error:
            write()
        assert error.value.exit_code == 2
    assert model.generate(["a zebra"], max_length=3)  # what is known of it is enough


SYMBOLS = list("abcdefgh")


def words(count: int, lengths: tuple[int, int], seed: int) -> list[list[str]]:
    random = np.random.default_rng(seed)
    return [list(random.choice(SYMBOLS, random.integers(*lengths))) for _ in range(count)]


def pairs(rows: list[list[str]], reverse: bool) -> dict[str, list[str]]:
    answers = [row[::-1] for row in rows] if reverse else rows
    return {"source": [" ".join(row) for row in rows], "answer": [" ".join(row) for row in answers]}


def taught(rows: list[list[str]], reverse: bool, **model: object) -> elman.Model:
    plain = {"kind": "text", "dropout": 0.0, "embedding": 16, "min_count": 1}
    return elman.train(
        pairs(rows, reverse), input={"source": plain},
        target={"answer": plain | {"metrics": ["wer", "exact_match"]}}, cell="gru", hidden=32, epochs=16,
        model={"dropout": 0.0, **model}, train={"lr": 5e-3}, quiet=True,
    )  # fmt: skip


def test_encoder_decoder_with_attention_reverses_every_sequence_that_it_never_saw():
    known = words(1000, (1, 7), seed=1)
    model = taught(known, reverse=True)
    new = [row for row in words(300, (4, 7), seed=2) if row not in known]

    assert len(new) > 100
    assert model.evaluate(pairs(new, reverse=True))["metrics"]["exact_match"] == 1.0


def test_attention_copies_lengths_that_were_never_seen_better_than_none_does():
    errors = {}
    for attention in ("additive", "none"):
        model = taught(words(800, (1, 7), seed=1), reverse=False, attention=attention)
        longer = pairs(words(100, (7, 9), seed=2), reverse=False)
        errors[attention] = model.evaluate(longer)["metrics"]["wer"]
    assert errors["additive"] < 0.6 * errors["none"]


@pytest.mark.parametrize("case", GENERATING)
def test_scheduled_sampling_feeds_back_what_the_network_would_generate_and_nothing_that_is_never_generated(
    case, monkeypatch
):
    plain, examples = built(case, dropout=0.0)
    model, _ = built(case, dropout=0.0, scheduled_sampling=0.5)
    model.network.load_state_dict(plain.network.state_dict())
    batch, fed = examples.batch(ROWS), []
    feed = type(model.network).feed
    monkeypatch.setattr(type(model.network), "feed", lambda self, symbols: fed.append(symbols) or feed(self, symbols))
    plain.network.train().loss(batch)
    torch.manual_seed(0)
    model.network.train().loss(batch)

    taught, true, mixed = fed
    assert torch.equal(taught, true)
    assert torch.equal(mixed[:, 0], true[:, 0])
    ((values, lengths),) = batch.targets.values()
    real = torch.from_numpy(np.arange(values.shape[1]) < lengths[:, None])
    changed = (mixed != true) & real
    assert 0.1 < changed[:, 1:].sum() / real[:, 1:].sum() < 0.6
    assert not set(mixed[changed].tolist()) & set(model.network.generated.never_generated)


@pytest.mark.parametrize("cell", ["gru", "mingru", "memoryless"])
def test_autocast_around_decoding_breaks_nothing(cell):
    table = {"en": ["a b c", "b c", "c a", "a a b"] * 10, "fr": ["c b a x", "c b y", "a c z", "b a a"] * 10}
    field = {"kind": "text", "min_count": 1}
    model = elman.train(table, input={"en": field}, target={"fr": field}, cell=cell, hidden=8, epochs=1, quiet=True)
    with torch.autocast("cpu", torch.bfloat16):
        for rows in (1, 9):  # of many the head is packed too
            assert len(model.predict(["a b c"] * rows)) == rows
