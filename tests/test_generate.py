"""What a network generates and predicts next: from prompts and values, streamed, with its attention."""

import numpy as np
import pytest
import torch
from small_models import TEXTS, encoder_decoder, many_to_one, next_step, one_to_many

import elman
from elman.data import BadRows, Batch, Table
from elman.errors import ArgumentError, ConfigError, DataError
from elman.fields import Text
from elman.inference import next_symbols
from elman.insight import draw_attention
from elman.testing import random_batch
from elman.types import Column

# --- a network without memory


@pytest.mark.parametrize("depth", [1, 2])
def test_without_memory_a_step_and_the_state_know_their_own_input_only(depth):
    layer = elman.Memoryless(3, 8, depth)
    x, lengths = random_batch(4, 7, lengths=[7, 1, 0, 4])
    other = torch.randn(4, 7, 3)
    other[:, 3] = x[:, 3]
    state = layer.cell_type.state_type(torch.randn(4, depth, 8))
    outputs, final = layer(x, state, lengths)
    others, its = layer(other, None, torch.tensor([4, 4, 4, 4]))
    assert torch.equal(others[[0, 3], 3], outputs[[0, 3], 3])
    assert torch.equal(its.hidden[3], final.hidden[3])
    assert torch.equal(final.hidden[2], state.hidden[2])  # of no step: as it was


def test_without_memory_the_next_symbol_depends_on_the_previous_only():
    model = next_step(cell="memoryless")
    first, again, other = model.answers(["It's raining, so", "my dog isn't so", "my dog"])
    assert first == again != other
    with_memory = next_step().answers(["It's raining, so", "my dog isn't so"])
    assert with_memory[0] != with_memory[1]


# --- the next symbol


@pytest.mark.parametrize("tokenizer", ["word", "character", "byte", "bpe"])
def test_the_next_symbols_are_the_likeliest_that_teacher_forcing_predicts(tokenizer):
    model = next_step(tokenizer)
    field, prompt = model.network.generated, "It's raining, so I'll take my"
    ids = field.encode_prompt(prompt)
    values = np.append(ids, field.end)[None]
    features = model.network(Batch({}, {"text": Column(values, np.array([len(ids) + 1]))}, np.arange(1)))
    probabilities = model.network.heads[0](features.steps[0, -1:]).softmax(-1)[0].tolist()
    possible = [index for index in range(len(probabilities)) if index not in field.never_generated]
    likeliest = sorted(possible, key=lambda index: -probabilities[index])[:10]
    (answer,) = model.answers([prompt])
    assert list(answer["probabilities"]) == [field.symbols()[index] for index in likeliest]
    assert list(answer["probabilities"].values()) == pytest.approx(
        [probabilities[index] for index in likeliest], abs=1e-6
    )
    assert answer["prediction"] == next(iter(answer["probabilities"])) == model.predict([prompt])[0]


def test_the_next_symbols_of_a_row_are_the_same_alone_and_among_others():
    model = next_step()
    prompts = ["my", *TEXTS[:3], "so I'll take my dog, so I'll take my", "It's"]
    together = model.answers(prompts)
    for prompt, answer in zip(prompts, together, strict=True):
        (alone,) = model.answers([prompt])
        assert alone["prediction"] == answer["prediction"]
        assert alone["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-6)


def test_as_many_next_symbols_are_given_as_are_asked_for_and_there_are():
    network = next_step().network
    prompt = [np.array([5])]
    three, all_of_them = (next_symbols(network, prompt, k).probabilities[0] for k in (3, 10_000))
    assert list(three) == list(all_of_them)[:3]
    assert set(all_of_them) == set(network.generated.symbols()) - {"<pad>", "<unk>", "<begin>"}
    assert next_symbols(network, []).predictions == []


def test_a_prompt_of_which_nothing_is_known_is_refused_or_skipped_by_its_row():
    model = next_step()
    with pytest.raises(DataError, match=r"the values: row 2: column 'text' must hold a known word, got 'xyzzy'"):
        model.answers(["my", "xyzzy"])
    assert len(model.answers(["my", "xyzzy"], bad_rows="skip")) == 1
    assert "1 bad row skipped" in model.skipped
    with pytest.raises(DataError, match="must have a row that can be used, got none"):
        model.answers(["xyzzy"], bad_rows="skip")
    with pytest.raises(ArgumentError, match=r"must fit the next symbol alone, got beam"):
        model.predict(["my"], beam=5)


# --- texts


@pytest.mark.parametrize("tokenizer", ["word", "character", "byte", "bpe", "unigram"])
@pytest.mark.parametrize("prompt", [None, "It's raining, so "])
def test_what_comes_piece_by_piece_is_what_generate_gives(tokenizer, prompt):
    for seed in range(3):
        model = next_step(tokenizer, seed=seed)
        options = {"seed": seed, "max_length": 40}
        prompts = None if prompt is None else [prompt]
        ((whole,),) = model.generate(prompts, **options)
        assert "".join(model.generate(prompts, stream=True, **options)) == whole
        assert whole.startswith("It's raining, so" if prompt else "")


def test_a_stream_reads_each_symbol_once(monkeypatch):
    read, reader = [], Text.reader

    def watched(field):
        own = reader(field)
        return lambda ids, last: read.extend(ids) or own(ids, last)

    monkeypatch.setattr(Text, "reader", watched)
    for _ in next_step("character").generate(stream=True, min_length=50, max_length=50):
        pass
    assert len(read) == 50


def test_no_piece_of_a_stream_is_half_a_character():
    model = next_step("byte")
    field = model.network.generated
    ids = field.encode("aé€😀")[:-1].tolist()
    with torch.no_grad():  # whatever the state is, these bytes follow one another
        head = model.network.heads[0].softmax
        head.weight.zero_()
        head.bias.fill_(-30)
    coming = iter([*ids, field.end])
    head.forward = lambda features: torch.nn.functional.one_hot(torch.tensor([next(coming)]), len(head.bias)) * 60.0
    assert [piece for piece in model.generate(stream=True) if piece] == ["a", "é", "€", "😀"]


def test_a_prompt_stands_as_it_was_typed_and_one_serves_all_rows():
    model = next_step()
    ((text,),) = model.generate(["ITS quokka  my"], max_length=3)
    assert text.startswith("ITS quokka  my")  # what is unknown is not lost
    found = encoder_decoder().generate(["mon"], ["my dog", "my umbrella"], max_length=3)
    assert [row[0][:3] for row in found] == ["mon", "mon"]
    assert found == encoder_decoder().generate(["mon", "mon"], ["my dog", "my umbrella"], max_length=3)


def test_a_row_is_generated_the_same_alone_and_among_others():
    model, values = encoder_decoder(), ["my dog", "It's raining, so I'll take my umbrella.", "fun"]
    together = model.n_best(values=values, max_length=8)
    for value, (best,) in zip(values, together, strict=True):
        ((alone,),) = model.n_best(values=[value], max_length=8)
        assert alone.text == best.text
        assert alone.log_probability == pytest.approx(best.log_probability, abs=1e-5)


def test_how_is_chosen_follows_what_is_given_then_the_run_then_the_topology():
    assert next_step().decoding_for().temperature == one_to_many().decoding_for().temperature == 1.0
    assert encoder_decoder().decoding_for().method == "greedy"
    own = next_step(decode={"temperature": 0.5, "top_k": 5, "max_length": 7})
    assert (own.decoding_for().temperature, own.decoding_for(beam=3).temperature) == (0.5, None)
    assert (own.decoding_for(beam=3).top_k, own.decoding_for(beam=3).max_length) == (None, 7)
    searching = encoder_decoder(decode={"beam": 4, "length_penalty": 0.6})
    assert (searching.decoding_for(max_length=5).beam, searching.decoding_for(length_penalty=1.0).length_penalty) == (
        4,
        1.0,
    )
    assert (searching.decoding_for(top_p=0.9).beam, searching.decoding_for(top_p=0.9).length_penalty) == (None, 0.0)
    with pytest.raises(ArgumentError, match="temperature must go without a beam"):
        next_step().decoding_for(beam=3, temperature=1.0)
    with pytest.raises(ConfigError, match="Did you mean 'top_k'"):
        next_step().decoding_for(topk=3)


def test_samples_follow_the_seed_and_a_beam_of_one_takes_the_likeliest():
    model = next_step("character")
    assert model.generate(["my"]) == model.generate(["my"], seed=0) != model.generate(["my"], seed=1)
    assert model.generate(["my"], beam=1) == model.generate(["my"], top_k=1) != model.generate(["my"])
    (five,) = one_to_many().generate(values=["it"], n_best=5)
    assert len(set(five)) == 5


def test_one_long_text_has_no_end():
    model = next_step("character")
    with torch.no_grad():
        model.network.heads[0].softmax.bias[model.network.generated.end] = 30
    assert model.generate(["my"], max_length=20) == [["my"]]
    data = model.config.data.model_copy(update={"stream": True})
    endless = elman.Model(model.config.model_copy(update={"data": data}), model.fields, model.network)
    assert [len(text) for (text,) in endless.generate(["my", "so"], max_length=20)] == [22, 22]
    assert endless.generate(["my"], max_length=20, min_length=3)[0][0] == endless.generate(["my"], max_length=3)[0][0]


# --- attention


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_attention_is_that_of_teacher_forcing_under_the_names_of_the_steps(attention):
    model, value = encoder_decoder(attention=attention), "It's raining, quokka"
    source, written, weights = model.attention(value, min_length=5, max_length=5)
    assert source == ["It", "'s", "raining", ",", "quokka (unknown)"]
    field = model.network.generated
    ids = [field.symbols().index(name) for name in written]
    assert len(ids) == 5 == len(weights)
    table = Table({"english": [value]}, "a table")
    batch = model.layout.latest(table, BadRows()).batch(np.arange(1))
    begun = model.network.topology.begin(model.network.encode(model.network.tensors(batch).inputs), 1)
    _, _, expected = model.network.topology.decoder(model.network.feed(torch.tensor([[field.begin, *ids[:-1]]])), begun)
    np.testing.assert_allclose(weights, expected[0].detach().numpy(), atol=1e-6)


def test_a_network_without_attention_shows_none():
    for make in (next_step, one_to_many, many_to_one, lambda: encoder_decoder(attention="none")):
        model = make()
        with pytest.raises(ArgumentError, match="the network must have attention, which is what is drawn, got"):
            model.attention("it" if "land" in model.fields.inputs else "my dog")


def test_the_picture_of_attention_holds_any_names_and_refuses_none():
    weights = np.full((3, 2), 0.5)
    assert draw_attention(["$x", " "], ["a\n", "b" * 50, "é"], weights).startswith(b"\x89PNG")
    assert draw_attention(["a"] * 250, ["b"], np.full((1, 250), 1 / 250)).startswith(b"\x89PNG")
    with pytest.raises(ArgumentError, match="the target must have a step, got none"):
        draw_attention(["a"], [], np.zeros((0, 1)))
    with pytest.raises(ArgumentError, match="the source must have a step, got none"):
        draw_attention([], ["a"], np.zeros((1, 0)))
    with pytest.raises(ArgumentError, match="weights must have shape"):
        draw_attention(["a"], ["b"], np.zeros((2, 1)))
