"""What a network writes and tells next: from prompts and values, streamed, by the command line, with its attention."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from verbs import call

import elman
from elman.building import make_fields, make_network
from elman.config import check_document
from elman.data import BadRows, Batch, Table
from elman.errors import ArgumentError, ConfigError, DataError
from elman.fields import Text
from elman.inference import Decoding, next_symbols
from elman.insight import draw_attention
from elman.model import Model
from elman.notes import next_command
from elman.testing import random_batch
from elman.types import Column

TEXTS = ["It's raining, so I'll take my umbrella.", "I'll take my dog, so it's fun.", "It isn't my umbrella!"] * 2
FRENCH = ["Il pleut, je prends mon parapluie.", "Je prends mon chien.", "Ce n'est pas mon parapluie !"] * 2
PNG = b"\x89PNG"


def model_of(inputs, targets, topology, decode=None, seed=0, **options):
    """An untrained model whose fields know the values: {name: (options, values)}."""
    document = {
        "input": {name: dict(given) for name, (given, _) in (inputs or targets).items()},
        "target": {name: dict(given) for name, (given, _) in targets.items()} if inputs else {},
        "model": {"topology": topology, "hidden": 16, **options},
        "decode": decode or {},
    }
    config = check_document(document)
    fields = make_fields(config)
    for name, field in (*fields.inputs.items(), *fields.targets.items()):
        field.fit([field.parse(value) for value in {**inputs, **targets}[name][1]])
    torch.manual_seed(seed)
    model = Model(config, fields, make_network(config, fields).eval())
    with torch.no_grad():
        model.network.heads[0].weight.mul_(4)  # so that some symbols are far likelier than others
    return model


def next_step(level="word", **options):
    text = {"kind": "text", "level": level} | ({"min_count": 1} if level == "word" else {})
    return model_of({}, {"text": (text, TEXTS)}, "next-step", **options)


def one_to_many(**options):
    target = {"word": ({"kind": "text", "level": "character"}, ["Rossini", "Schmidt"])}
    return model_of({"land": ({"kind": "category"}, ["it", "de"])}, target, "one-to-many", **options)


def encoder_decoder(**options):
    text = {"kind": "text", "min_count": 1}
    return model_of({"english": (text, TEXTS)}, {"french": (text, FRENCH)}, "encoder-decoder", **options)


def many_to_one():
    text = {"text": ({"kind": "text", "min_count": 1}, TEXTS)}
    return model_of(text, {"label": ({"kind": "category"}, ["a", "b"])}, "many-to-one")


MAKERS = {
    "next-step": next_step,
    "one-to-many": one_to_many,
    "encoder-decoder": encoder_decoder,
    "many-to-one": many_to_one,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run directory of each topology."""
    folder = tmp_path_factory.mktemp("runs")
    for name, make in MAKERS.items():
        make().save(folder / name)
    return folder


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


@pytest.mark.parametrize("level", ["word", "character", "byte", "bpe"])
def test_the_next_symbols_are_the_likeliest_that_teacher_forcing_tells(level):
    model = next_step(level)
    field, prompt = model.network.written, "It's raining, so I'll take my"
    ids = field.encode_prompt(prompt)
    values = torch.from_numpy(np.append(ids, field.end))[None]
    features = model.network(Batch({}, {"text": Column(values, torch.tensor([len(ids) + 1]))}, np.arange(1)))
    chances = model.network.heads[0](features.steps[0, -1:]).softmax(-1)[0].tolist()
    written = sorted(
        (index for index in range(len(chances)) if index not in field.unwritten), key=lambda i: -chances[i]
    )
    (answer,) = model.answers([prompt])
    assert list(answer["probabilities"]) == [field.symbols()[index] for index in written[:10]]
    assert list(answer["probabilities"].values()) == pytest.approx([chances[i] for i in written[:10]], abs=1e-6)
    assert answer["prediction"] == next(iter(answer["probabilities"])) == model.predict([prompt])[0]


def test_the_next_symbols_of_a_row_are_the_same_alone_and_among_others():
    model = next_step()
    prompts = ["my", *TEXTS[:3], "so I'll take my dog, so I'll take my", "It's"]
    together = model.answers(prompts)
    for prompt, answer in zip(prompts, together, strict=True):
        (alone,) = model.answers([prompt])
        assert alone["prediction"] == answer["prediction"]
        assert alone["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-6)


def test_so_many_next_symbols_are_told_as_are_asked_for_and_there_are():
    network = next_step().network
    prompt = [np.array([5])]
    three, all_of_them = (next_symbols(network, prompt, k).probabilities[0] for k in (3, 10_000))
    assert list(three) == list(all_of_them)[:3]
    assert set(all_of_them) == set(network.written.symbols()) - {"<pad>", "<unk>", "<begin>"}
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


@pytest.mark.parametrize("level", ["word", "character", "byte", "bpe", "unigram"])
@pytest.mark.parametrize("prompt", [None, "It's raining, so "])
def test_what_comes_piece_by_piece_is_what_generate_gives(level, prompt):
    for seed in range(3):
        model = next_step(level, seed=seed)
        options = {"seed": seed, "max_length": 40}
        ((whole,),) = model.generate(None if prompt is None else [prompt], **options)
        assert "".join(model.stream(prompt, **options)) == whole
        assert whole.startswith("It's raining, so" if prompt else "")


def test_a_stream_reads_each_symbol_once(monkeypatch):
    read, reader = [], Text.reader

    def watched(field):
        own = reader(field)
        return lambda ids, last: read.extend(ids) or own(ids, last)

    monkeypatch.setattr(Text, "reader", watched)
    for _ in next_step("character").stream(min_length=50, max_length=50):
        pass
    assert len(read) == 50


def test_no_piece_of_a_stream_is_half_a_character():
    model = next_step("byte")
    field = model.network.written
    ids = field.encode("aé€😀")[:-1].tolist()
    with torch.no_grad():  # whatever the state is, these bytes follow one another
        head = model.network.heads[0]
        head.weight.zero_()
        head.bias.fill_(-30)
    coming = iter([*ids, field.end])
    head.forward = lambda features: torch.nn.functional.one_hot(torch.tensor([next(coming)]), len(head.bias)) * 60.0
    assert [piece for piece in model.stream() if piece] == ["a", "é", "€", "😀"]


def test_a_prompt_stands_as_it_was_typed_and_one_serves_all_rows():
    model = next_step()
    ((text,),) = model.generate(["ITS quokka  my"], max_length=3)
    assert text.startswith("ITS quokka  my")  # what is unknown is not lost
    found = encoder_decoder().generate(["mon"], ["my dog", "my umbrella"], max_length=3)
    assert [row[0][:3] for row in found] == ["mon", "mon"]
    assert found == encoder_decoder().generate(["mon", "mon"], ["my dog", "my umbrella"], max_length=3)


def test_a_row_is_written_the_same_alone_and_among_others():
    model, values = encoder_decoder(), ["my dog", "It's raining, so I'll take my umbrella.", "fun"]
    together = model.n_best(values=values, max_length=8)
    for value, (best,) in zip(values, together, strict=True):
        ((alone,),) = model.n_best(values=[value], max_length=8)
        assert alone.text == best.text
        assert alone.log_probability == pytest.approx(best.log_probability, abs=1e-5)


def test_how_is_chosen_follows_what_is_given_then_the_run_then_the_topology():
    assert next_step().choosing().temperature == one_to_many().choosing().temperature == 1.0
    assert encoder_decoder().choosing().method == "greedy"
    own = next_step(decode={"temperature": 0.5, "top_k": 5, "max_length": 7})
    assert (own.choosing().temperature, own.choosing(beam=3).temperature) == (0.5, None)
    assert (own.choosing(beam=3).top_k, own.choosing(beam=3).max_length) == (None, 7)
    searching = encoder_decoder(decode={"beam": 4, "length_penalty": 0.6})
    assert (searching.choosing(max_length=5).beam, searching.choosing(length_penalty=1.0).length_penalty) == (4, 1.0)
    assert (searching.choosing(top_p=0.9).beam, searching.choosing(top_p=0.9).length_penalty) == (None, 0.0)
    with pytest.raises(ArgumentError, match="temperature must go without a beam"):
        next_step().choosing(beam=3, temperature=1.0)
    with pytest.raises(ConfigError, match="Did you mean 'top_k'"):
        next_step().choosing(topk=3)


def test_draws_follow_the_seed_and_a_beam_of_one_takes_the_likeliest():
    model = next_step("character")
    assert model.generate(["my"]) == model.generate(["my"], seed=0) != model.generate(["my"], seed=1)
    assert model.generate(["my"], beam=1) == model.generate(["my"], top_k=1) != model.generate(["my"])
    (five,) = one_to_many().generate(values=["it"], n_best=5)
    assert len(set(five)) == 5


def test_one_long_text_has_no_end():
    model = next_step("character")
    with torch.no_grad():
        model.network.heads[0].bias[model.network.written.end] = 30
    assert model.generate(["my"], max_length=20) == [["my"]]
    model.config.data.stream = True
    assert [len(text) for (text,) in model.generate(["my", "so"], max_length=20)] == [22, 22]
    assert model.generate(["my"], max_length=20, min_length=3)[0][0] == model.generate(["my"], max_length=3)[0][0]


# --- attention


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_attention_is_that_of_teacher_forcing_under_the_names_of_the_steps(attention):
    model, value = encoder_decoder(attention=attention), "It's raining, quokka"
    source, written, weights = model.attention(value, min_length=5, max_length=5)
    assert source == ["It", "'s", "raining", ",", "quokka (unknown)"]
    field = model.network.written
    ids = [field.symbols().index(name) for name in written]
    assert len(ids) == 5 == len(weights)
    table = Table({"english": [value]}, "a table")
    batch = model._examples(table, BadRows()).batch(np.arange(1))
    begun = model.network.topology.begin(model.network.encode(batch.inputs), 1)
    _, _, expected = model.network.topology.decoder(model.network.feed(torch.tensor([[field.begin, *ids[:-1]]])), begun)
    np.testing.assert_allclose(weights, expected[0].detach().numpy(), atol=1e-6)


def test_a_network_that_looks_at_nothing_has_no_attention():
    for make in (next_step, one_to_many, many_to_one, lambda: encoder_decoder(attention="none")):
        model = make()
        with pytest.raises(ArgumentError, match="the network must have attention, which is what is drawn, got"):
            model.attention("it" if "land" in model.fields.inputs else "my dog")


def test_the_picture_of_attention_holds_any_names_and_refuses_none():
    weights = np.full((3, 2), 0.5)
    assert draw_attention(["$x", " "], ["a\n", "b" * 50, "é"], weights).startswith(PNG)
    assert draw_attention(["a"] * 250, ["b"], np.full((1, 250), 1 / 250)).startswith(PNG)
    with pytest.raises(ArgumentError, match="what was written must have a symbol, got none"):
        draw_attention(["a"], [], np.zeros((0, 1)))
    with pytest.raises(ArgumentError, match="what was read must have a step, got none"):
        draw_attention([], ["a"], np.zeros((1, 0)))
    with pytest.raises(ArgumentError, match="weights must have shape"):
        draw_attention(["a"], ["b"], np.zeros((2, 1)))


# --- the command line


def test_generate_explains_itself_with_an_example_and_the_defaults(capsys):
    out, _ = call(capsys, "generate", "--help")
    said = " ".join(out.replace("│", " ").split())
    for part in ("elman generate", "Example", "(default: the run's decode.max_length)", "(default: 1; an"):
        assert part in said


def test_generate_goes_on_with_a_prompt_and_says_how_it_chose(runs, capsys):
    arguments = ["generate", runs / "next-step", "--prompt", "It's raining", "--length", 7, "--seed", 3]
    out, err = call(capsys, *arguments)
    ((expected,),) = next_step().generate(["It's raining"], max_length=7, seed=3)
    assert out == expected + "\n"
    assert "drawn by temperature 1, seed 3; at most 7 steps" in err
    assert call(capsys, *arguments, "--stream") == (out, err)
    greedy, err = call(capsys, *arguments[:-2], "--beam", 1)
    assert (greedy == out, "the best of a beam of 1" in err) == (False, True)
    from_nothing, _ = call(capsys, "generate", runs / "next-step", "--temperature", 0.5, "--top-k", 3, "--top-p", 0.9)
    assert from_nothing == next_step().generate(temperature=0.5, top_k=3, top_p=0.9)[0][0] + "\n"


def test_a_tune_that_is_streamed_is_kept_as_the_same_files(tmp_path, capsys):
    model = model_of(
        {}, {"tune": ({"kind": "notes"}, [[["C5", 1], ["rest", 0.5], [67, 0.5]], [["A4", 2]]])}, "next-step"
    )
    model.save(tmp_path / "run")
    arguments = ["generate", tmp_path / "run", "--length", 60, "--out"]
    call(capsys, *arguments, tmp_path / "whole")
    out, err = call(capsys, *arguments, tmp_path / "streamed", "--stream")
    assert out == model.generate(max_length=60)[0][0] + "\n"
    assert f"written   {tmp_path / 'streamed.mid'}" in err
    assert (tmp_path / "streamed.mid").read_bytes() == (tmp_path / "whole.mid").read_bytes()
    _, err = call(capsys, *arguments, tmp_path / "gone" / "tune", "--stream", code=2)
    assert "--out must begin with a folder that exists" in err


def test_predict_and_evaluate_look_for_what_is_written_as_they_are_told(runs, capsys, tmp_path):
    model, options = encoder_decoder(), ["--set", "decode.max_length=1", "--format", "jsonl"]
    out, _ = call(capsys, "predict", runs / "encoder-decoder", "my dog", *options)
    assert json.loads(out)["prediction"] == model.predict(["my dog"], max_length=1)[0]
    assert len(json.loads(out)["prediction"].split()) <= 1
    (tmp_path / "test.csv").write_text("english,french\nmy dog,mon chien noir\n")
    out, _ = call(capsys, "evaluate", runs / "encoder-decoder", tmp_path / "test.csv", *options)
    assert json.loads(out)["metrics"] == model.evaluate(tmp_path / "test.csv", max_length=1)["metrics"]
    for verb, what in (("predict", "my dog"), ("evaluate", tmp_path / "test.csv")):
        _, err = call(capsys, verb, runs / "encoder-decoder", what, "--set", "train.lr=1", code=2)
        assert f"{verb}: --set must read decode.NAME=VALUE" in err


@pytest.mark.parametrize("verb", ["predict", "evaluate", "generate"])
def test_the_help_names_every_option_of_decoding_there_is(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    said = " ".join(call(capsys, verb, "--help")[0].replace("│", " ").split())
    options = [field.name for field in dataclasses.fields(Decoding) if field.name != "forbidden"]
    assert f"B: {', '.join(options)}." in said


def test_an_option_of_decoding_that_would_do_nothing_is_refused(runs, capsys, tmp_path):
    (tmp_path / "test.csv").write_text("english,french\nmy dog,mon chien noir\n")
    several = ["--set", "decode.beam=3", "--set", "decode.n_best=3"]
    load = tmp_path / "load.csv"
    load.write_text("load\n" + "".join(f"{hour % 5}\n" for hour in range(200)))
    elman.train(load, input="load", target="load", horizon=2, window=4, hidden=2, epochs=1, quiet=True,
                out=tmp_path / "load")  # fmt: skip
    for arguments, message in (
        (
            ["predict", runs / "encoder-decoder", "my dog", *several],
            "predict: n_best must be 1: each row has one answer",
        ),
        (["evaluate", runs / "encoder-decoder", tmp_path / "test.csv", *several], "evaluate: n_best must be 1"),
        (
            ["predict", runs / "many-to-one", "my dog", "--trace", *several],
            "--set must go with a target that is written, got a trace",
        ),
        (["predict", tmp_path / "load", load, *several], "--set must go with a target that is written, got a forecast"),
    ):
        assert message in call(capsys, *arguments, code=2)[1]


def test_generate_writes_from_values_a_file_and_standard_input(runs, capsys, tmp_path, monkeypatch):
    names, _ = call(capsys, "generate", runs / "one-to-many", "it", "--n", 4)
    assert names.splitlines() == one_to_many().generate(values=["it"], n_best=4)[0]
    rows = ["my dog", "It's raining"]
    expected = encoder_decoder().n_best(values=rows, beam=3, n_best=2, no_repeat_ngram=1)
    options = ["--beam", 3, "--n", 2, "--set", "decode.no_repeat_ngram=1", "--format", "jsonl"]
    out, err = call(capsys, "generate", runs / "encoder-decoder", *rows, *options)
    said = [json.loads(line) for line in out.splitlines()]
    assert said == [{"value": value} | one._asdict() for value, row in zip(rows, expected, strict=True) for one in row]
    (tmp_path / "new.csv").write_text('english\nmy dog\n"It\'s raining"\n')
    out, _ = call(capsys, "generate", runs / "encoder-decoder", "--data", tmp_path / "new.csv", *options)
    told = [json.loads(line) for line in out.splitlines()]
    assert [row.pop("row") for row in told] == [1, 1, 2, 2]
    assert told == [{key: value for key, value in row.items() if key != "value"} for row in said]
    table, err = call(capsys, "generate", runs / "encoder-decoder", *rows, "--length", 4)
    assert all(value in table for value in rows)
    assert "the likeliest symbol at each step" in err


@pytest.mark.parametrize(
    ("topology", "arguments", "message"),
    [
        ("next-step", ["--prompt", "xyzzy quux"], "the prompt must hold a known word, got 'xyzzy quux'"),
        ("next-step", ["--prompt", " "], "the prompt must hold some text, got ' '"),
        ("next-step", ["--stream", "--beam", 3], "beam must be None for symbols as they come, got 3"),
        ("next-step", ["--stream", "--n", 3], "n_best must be 1 for symbols as they come, got 3"),
        ("next-step", ["--stream", "--format", "json"], "--stream must go without --format"),
        ("next-step", ["--out", "x"], "--out must be left out of a target of kind text, which is no file, got 'x'"),
        ("next-step", ["--stream", "--out", "x"], "--out must be left out of a target of kind text"),
        ("next-step", ["--out", "x", "--format", "csv"], "--out must go without --format, got --format csv"),
        ("next-step", ["my"], "values must be left out where a text is gone on with"),
        ("next-step", ["--temperature", 0], "temperature must be above 0"),
        ("next-step", ["--beam", 3, "--top-k", 3], "top_k must go without a beam"),
        ("next-step", ["--set", "train.lr=1"], "--set must read decode.NAME=VALUE, got 'train.lr=1'"),
        ("next-step", ["--set", "decode.topk=1"], "Did you mean 'top_k'"),
        ("encoder-decoder", [], "values must be given, those of english, got none"),
        ("encoder-decoder", ["my", "--data", "new.csv"], "what to write from must be values or --data, got both"),
        ("encoder-decoder", ["my", "dog", "--stream"], "values must be one row, got 2"),
        ("encoder-decoder", ["my", "--n", 2], "n_best must be 1 where the best symbol is taken, got 2"),
        ("one-to-many", ["fr"], "'fr'"),
        ("many-to-one", ["my"], "the target must be written, got many-to-one. Use predict"),
    ],
)
def test_generate_refuses_what_it_cannot_do_in_one_line(runs, capsys, topology, arguments, message):
    out, err = call(capsys, "generate", runs / topology, *arguments, code=2)
    assert out == ""
    assert message in err
    assert (err.startswith("error: "), err.count("\n")) == (True, 1)


def test_predict_tells_the_next_symbols_of_a_network_that_goes_on(runs, capsys):
    prompt = "It's raining, so I'll take my"
    out, _ = call(capsys, "predict", runs / "next-step", prompt, "--format", "jsonl")
    assert json.loads(out) == next_step().answers([prompt])[0]
    table, _ = call(capsys, "predict", runs / "next-step", prompt)
    likeliest = [line.split()[0] for line in table.splitlines()[-11:] if line.strip()]
    assert prompt in table
    assert likeliest == list(json.loads(out)["probabilities"])


def test_predict_tells_the_next_frame_where_there_are_no_symbols(tmp_path, capsys):
    """In every format, a table too: a frame has no list of likeliest symbols."""
    pieces = [[[60], [62]], [[62], [64]]] * 10
    model = elman.train({"p": pieces}, input={"p": {"kind": "roll"}}, hidden=2, epochs=1, quiet=True)
    model.save(tmp_path / "run")
    said = next_command(model, tmp_path / "run")
    assert said == f"elman generate {tmp_path / 'run'} --prompt opening.mid --out sample"
    out, _ = call(capsys, "predict", tmp_path / "run", "[[60]]")
    assert out.split()[:2] == ["value", "prediction"]
    _, err = call(capsys, "generate", tmp_path / "run", "--prompt", "none.mid", "--out", tmp_path / "x", code=2)
    assert "training has seen" not in err
    _, err = call(capsys, "detect", tmp_path / "run", "new.csv", code=2)
    assert "got next-step of kind roll" in err


def test_predict_draws_attention_for_one_value_of_a_network_that_has_some(runs, capsys, tmp_path):
    picture = tmp_path / "attention.png"
    out, err = call(capsys, "predict", runs / "encoder-decoder", "my dog", "--plot", picture, "--format", "json")
    assert picture.read_bytes().startswith(PNG)
    assert json.loads(out) == encoder_decoder().answers(["my dog"])[0]
    for topology, values, message in (
        ("many-to-one", ["my dog"], "must have attention, which is what is drawn, got many-to-one"),
        ("encoder-decoder", ["my", "dog"], "--plot must go with one value, got 2 values"),
        ("encoder-decoder", ["--data", "new.csv"], "--plot must go with values, got --data"),
    ):
        other = tmp_path / "other.png"
        _, err = call(capsys, "predict", runs / topology, *values, "--plot", other, code=2)
        assert message in err
        assert not other.exists()


def test_what_to_type_next_fits_the_topology(runs, capsys):
    expected = {
        "next-step": ["generate", '--prompt "some text"'],
        "one-to-many": ["generate", "de"],
        "encoder-decoder": ["predict", '"some text"'],
        "many-to-one": ["predict", '"some text"'],
    }
    for topology, (verb, example) in expected.items():
        assert next_command(MAKERS[topology](), runs / topology) == f"elman {verb} {runs / topology} {example}"
    call(capsys, "generate", runs / "one-to-many", "de")  # the example is one that the network knows
