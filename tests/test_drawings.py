"""Pictures: what their labels say, colours that tell apart, a size that can be read where they are shown."""

import struct

import numpy as np
import pytest

from elman.inference import Step
from elman.insight import attention, plots
from elman.media.audio import Framing, draw_spectrogram, filterbank
from elman.media.music import Note, draw_piano_roll
from elman.training import curves

PNG = b"\x89PNG"


@pytest.fixture
def figures(monkeypatch):
    """Figures come back as they are, not as files."""
    for module in (plots, attention, curves):
        monkeypatch.setattr(module, "png", lambda figure, dpi: figure)


def trace(classes: int) -> list[Step]:
    chances = {f"class {number}": (number + 1) * 2 / (classes * (classes + 1)) for number in range(classes)}
    return [Step(piece, 0.5, f"class {classes - 1}", chances) for piece in "ab"]


@pytest.mark.parametrize(("classes", "shown"), [(2, range(2)), (10, range(10)), (18, range(8, 18))])
def test_each_class_of_a_trace_has_a_colour_of_its_own_and_of_many_the_likeliest_are_shown(figures, classes, shown):
    (axes,) = plots.draw_trace("ab", trace(classes)).axes
    handles, labels = axes.get_legend_handles_labels()

    assert labels == [f"class {number}" for number in shown]
    assert len({bars[0].get_facecolor() for bars in handles}) == len(shown)
    assert axes.get_legend().get_title().get_text() == ("the 10 likeliest\nat the end" if classes > 10 else "")


def test_signs_of_formulas_in_what_was_read_are_drawn_as_they_are():
    steps = [Step("$\\foo$", 0.5, "$\\bar$", {"$\\bar$": 0.5, "y": 0.5})]
    bank = filterbank(Framing.of(8000, 32.0, 8.0), 4, 20.0, None)

    assert plots.draw_trace("$\\foo$", steps).startswith(PNG)
    assert draw_spectrogram(np.zeros((3, 4)), bank, "$\\foo$").startswith(PNG)


def test_white_space_is_made_visible_where_it_tells_symbols_apart(figures):
    axes = attention.draw_attention([" my", " ", "0.24 s"], ["a\n", "b  "], np.full((2, 3), 1 / 3)).axes[0]

    assert [label.get_text() for label in axes.get_xticklabels()] == ["␣my", "␣", "0.24 s"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a↵", "b␣␣"]


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_epochs_are_whole_numbers(figures, epochs):
    rows = [
        {"epoch": number, "train_loss": 1.0, "valid_loss": 1.0, "valid_nats": 1.0} for number in range(1, epochs + 1)
    ]
    figure = curves.draw_curves(rows, "nats")
    figure.draw_without_rendering()

    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == round(tick) for tick in ticks)


@pytest.mark.parametrize("beats", [4, 68, 2000])
def test_a_piano_roll_is_no_wider_than_can_be_read(beats):
    picture = draw_piano_roll([Note(60, 0, 1), Note(64, beats - 1, 1)], 80, "long")

    width, _ = struct.unpack(">II", picture[16:24])
    assert 700 < width <= 1820
