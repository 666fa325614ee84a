"""What `elman generate` and `elman predict` write and tell of networks that write."""

import dataclasses
import json

import pytest
from small_models import MAKERS, encoder_decoder, model_of, next_step, one_to_many
from verbs import call

import elman
from elman.cli.messages import next_command
from elman.decoding import Decoding


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run directory of each topology."""
    folder = tmp_path_factory.mktemp("runs")
    for name, make in MAKERS.items():
        make().save(folder / name)
    return folder


def test_generate_explains_itself_with_an_example_and_the_defaults(capsys):
    out, _ = call(capsys, "generate", "--help")
    said = " ".join(out.replace("│", " ").split())
    for part in ("elman generate", "Example", "(default: the run's decode.max_length)", "(default: 1; an"):
        assert part in said


def test_generate_continues_a_prompt_and_says_how_it_chose(runs, capsys):
    arguments = ["generate", runs / "next-step", "--prompt", "It's raining", "--length", 7, "--seed", 3]
    out, err = call(capsys, *arguments)
    ((expected,),) = next_step().generate(["It's raining"], max_length=7, seed=3)
    assert out == expected + "\n"
    assert "sampled with temperature 1, seed 3; at most 7 steps" in err
    assert call(capsys, *arguments, "--stream") == (out, err)
    greedy, err = call(capsys, *arguments[:-2], "--beam", 1)
    assert (greedy == out, "beam search with a beam of 1" in err) == (False, True)
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


def test_predict_and_evaluate_decode_as_they_are_asked(runs, capsys, tmp_path):
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
            "--set must go with a target that is generated, got a trace",
        ),
        (["predict", tmp_path / "load", load, *several], f"Use elman forecast {tmp_path / 'load'} history.csv."),
    ):
        assert message in call(capsys, *arguments, code=2)[1]


def test_generate_reads_values_a_file_and_standard_input(runs, capsys, tmp_path, monkeypatch):
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
    assert "the most likely symbol at each step" in err


@pytest.mark.parametrize(
    ("topology", "arguments", "message"),
    [
        ("next-step", ["--prompt", "xyzzy quux"], "the prompt must hold a known word, got 'xyzzy quux'"),
        ("next-step", ["--prompt", " "], "the prompt must hold some text, got ' '"),
        ("next-step", ["--stream", "--beam", 3], "beam must be None when symbols are streamed, got 3"),
        ("next-step", ["--stream", "--n", 3], "n_best must be 1 when symbols are streamed, got 3"),
        ("next-step", ["--stream", "--format", "json"], "--stream must go without --format"),
        ("next-step", ["--out", "x"], "--out must be left out of a target of kind text, which is no file, got 'x'"),
        ("next-step", ["--stream", "--out", "x"], "--out must be left out of a target of kind text"),
        ("next-step", ["--out", "x", "--format", "csv"], "--out must go without --format, got --format csv"),
        ("next-step", ["my"], "values must be left out where a text is continued"),
        ("next-step", ["--temperature", 0], "temperature must be above 0"),
        ("next-step", ["--beam", 3, "--top-k", 3], "top_k must go without a beam"),
        ("next-step", ["--set", "train.lr=1"], "--set must read decode.NAME=VALUE, got 'train.lr=1'"),
        ("next-step", ["--set", "decode.topk=1"], "Did you mean 'top_k'"),
        ("encoder-decoder", [], "values must be given, those of english, got none"),
        ("encoder-decoder", ["my", "--data", "new.csv"], "what to generate from must be values or --data, got both"),
        ("encoder-decoder", ["my", "dog", "--stream"], "what is streamed must be one row, got 2"),
        ("encoder-decoder", ["my", "--n", 2], "n_best must be 1 where the best symbol is taken, got 2"),
        ("one-to-many", ["fr"], "'fr'"),
        ("many-to-one", ["my"], "the target must be generated, got many-to-one. Use predict"),
    ],
)
def test_generate_refuses_what_it_cannot_do_in_one_line(runs, capsys, topology, arguments, message):
    out, err = call(capsys, "generate", runs / topology, *arguments, code=2)
    assert out == ""
    assert message in err
    assert (err.startswith("error: "), err.count("\n")) == (True, 1)


def test_predict_gives_the_next_symbols_of_a_network_that_continues(runs, capsys):
    prompt = "It's raining, so I'll take my"
    out, _ = call(capsys, "predict", runs / "next-step", prompt, "--format", "jsonl")
    assert json.loads(out) == next_step().answers([prompt])[0]
    table, _ = call(capsys, "predict", runs / "next-step", prompt)
    likeliest = [line.split()[0] for line in table.splitlines()[-11:] if line.strip()]
    assert prompt in table
    assert likeliest == list(json.loads(out)["probabilities"])


def test_predict_gives_the_next_frame_where_there_are_no_symbols(tmp_path, capsys):
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
    assert picture.read_bytes().startswith(b"\x89PNG")
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
