"""`elman forecast` and `elman backtest`: what they print and draw, and how `predict` points to them."""

import csv
import io
import json

import pytest

import elman
from elman.forecasting import forecast
from tests.loads import LOAD
from tests.verbs import call
from tests.waves import trained, waves

ROWS = [f"2026-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00,{value:.3f}" for hour, value in enumerate(LOAD)]
TRAIN = ["--input", "load", "--target", "load", "--time", "time", "--horizon", "4", "--window", "12"]


def written_csv(path, rows):
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """A folder with a history and a model that forecasts four steps of it."""
    folder = tmp_path_factory.mktemp("load")
    source = written_csv(folder / "load.csv", ["time,load", *ROWS])
    elman.train(
        source, input="load", target="load", time="time", horizon=4, window=12, hidden=4, epochs=1, quiet=True,
        out=folder / "run",
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    """A folder with a history of one machine and a model that predicts the next reading."""
    folder = tmp_path_factory.mktemp("readings")
    trained().save(folder / "run")
    table = waves(steps=120, seed=7, machines=("m1",))
    rows = [",".join(map(str, row)) for row in zip(*table.values(), strict=True)]
    written_csv(folder / "history.csv", [",".join(table), *rows])
    return folder


def test_training_with_a_horizon_ends_with_the_command_that_forecasts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written_csv(tmp_path / "load.csv", ["time,load", *ROWS])
    _, err = call(capsys, "train", "load.csv", *TRAIN, "--hidden", "4", "--epochs", "1")
    assert "next      elman forecast runs/load history.csv --plot forecast.png" in err


def test_a_forecast_is_a_row_a_step_with_quantiles_paths_and_a_picture(load, capsys):
    picture = load / "forecast.png"
    asked = ["forecast", load / "run", load / "load.csv"]
    out, err = call(capsys, *asked, "--horizon", 3, "--paths", 2, "--format", "json", "--plot", picture)
    rows = json.loads(out)
    assert f"written to {picture}" in err
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows[0]["time"] == "2026-01-11 00:00:00"
    assert list(rows[0]["quantiles"]) == [f"p{level}" for level in range(10, 100, 10)]
    assert len(rows[0]["paths"]) == 2
    assert picture.read_bytes()[:4] == b"\x89PNG"
    printed = list(csv.DictReader(call(capsys, *asked, "--paths", 2, "--format", "csv")[0].splitlines()))
    assert float(printed[0]["paths.path2"]) == rows[0]["paths"][1]
    head = call(capsys, *asked)[0].split("\n─")[0].split("\n ─")[0]
    assert head.split() == ["step", "time", "prediction", *rows[0]["quantiles"]]


def test_a_seed_gives_the_paths_that_the_library_gives(load, capsys):
    asked = ["forecast", load / "run", load / "load.csv", "--paths", 2, "--format", "json"]
    first, second = (json.loads(call(capsys, *asked, "--seed", seed)[0]) for seed in (0, 1))
    assert json.loads(call(capsys, *asked)[0]) == first != second
    model = elman.load(load / "run")
    (series,) = forecast(model, load / "load.csv", paths=2, seed=1)
    assert series.rows(model) == second


def test_a_history_may_come_from_standard_input(load, monkeypatch, capsys):
    text = (load / "load.csv").read_text()
    monkeypatch.setattr("elman.cli.forecast.standard_input", lambda: io.StringIO(text))
    whole = call(capsys, "forecast", load / "run", load / "load.csv")
    assert call(capsys, "forecast", load / "run", "-") == whole


def test_a_history_that_is_too_short_and_a_horizon_that_is_too_long_are_refused(load, monkeypatch, capsys):
    monkeypatch.chdir(load)
    written_csv(load / "short.csv", ["time,load", *ROWS[:9]])
    _, err = call(capsys, "forecast", "run", "short.csv", code=2)
    assert "12 rows before the forecast, got 9. Give a longer history or" in err
    _, err = call(capsys, "train", "short.csv", *TRAIN, code=2)
    assert err.startswith("error: short.csv: a series must have 4 rows to forecast")
    _, err = call(capsys, "forecast", "run", "load.csv", "--horizon", 5, code=2)
    assert "horizon must lie between 1 and 4, got 5" in err
    _, err = call(capsys, "forecast", "run", "gone.csv", code=2)
    assert "'gone.csv'" in err
    _, err = call(capsys, "forecast", "run", "load.csv", "--plot", "forecast.jpg", code=2)
    assert "forecast: --plot must be a .png file in a folder that exists, got 'forecast.jpg'" in err


def test_a_backtest_and_an_evaluation_score_forecasts(load, capsys):
    arguments = [load / "run", load / "load.csv"]
    rows = json.loads(call(capsys, "backtest", *arguments, "--every", 10, "--format", "json")[0])
    assert rows[-1]["forecasts"] == 23
    assert json.loads(call(capsys, "evaluate", *arguments, "--format", "json")[0])["rows"] == 225


@pytest.mark.parametrize(
    "options", [["load.csv"], ["--data", "load.csv"], [], ["load.csv", "--timestamps"], ["x", "--set", "decode.beam=2"]]
)
def test_predict_refuses_a_model_that_forecasts_and_names_the_verb(load, monkeypatch, capsys, options):
    monkeypatch.chdir(load)
    out, err = call(capsys, "predict", "run", *options, code=2)
    assert out == ""
    assert err == (
        "error: predict: the model must answer each row by itself, got one that forecasts a series. "
        "Use elman forecast run history.csv.\n"
    )


@pytest.mark.parametrize("option", ["--horizon", "--paths"])
def test_predict_has_no_options_of_forecasts(load, capsys, option):
    assert option in call(capsys, "predict", load / "run", "x", option, 2, code=2)[1]


def test_a_next_step_model_forecasts_any_number_of_steps(readings, capsys):
    picture = readings / "forecast.png"
    asked = ["forecast", readings / "run", readings / "history.csv"]
    options = ["--horizon", 40, "--paths", 2, "--format", "json", "--plot", picture]
    out, err = call(capsys, *asked, *options)
    rows = json.loads(out)
    assert "drawn     the first of 2" in err
    assert f"written to {picture}" in err
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert [(row["column"], row["step"]) for row in rows] == [
        (column, step) for column in ("load", "heat") for step in range(1, 41)
    ]
    assert list(rows[0]) == ["id", "column", "step", "time", "prediction", "quantiles", "paths"]
    assert len(rows[0]["paths"]) == 2
    assert "horizon must be given" in call(capsys, *asked, code=2)[1]
    assert "horizon must be given" in call(capsys, *asked, "--paths", 2, code=2)[1]
    assert "trained to forecast" in call(capsys, "backtest", *asked[1:], code=2)[1]


def test_what_predict_answers_does_not_depend_on_whether_a_file_exists(readings, monkeypatch, capsys):
    monkeypatch.chdir(readings)
    _, err = call(capsys, "predict", "run", "history.csv", code=2)
    assert "must be a list of numbers" in err
    _, other = call(capsys, "predict", "run", "gone.csv", code=2)
    assert other.replace("gone", "history") == err.splitlines(keepends=True)[-1]


def test_a_model_that_answers_rows_does_not_forecast(tmp_path, capsys):
    table = {"x": ["a", "b"] * 20, "y": [1, 0] * 20}
    elman.train(table, input="x", target="y", epochs=1, quiet=True, out=tmp_path / "run")
    written_csv(tmp_path / "new.csv", ["x", "a"])
    _, err = call(capsys, "forecast", tmp_path / "run", tmp_path / "new.csv", code=2)
    assert "forecast: the model must have been trained to forecast" in err
