"""The gallery holds every picture that recipes left, small, in their order, with the command that makes it."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from elman.recipes import RECIPES
from elman.recipes.report import gallery

DOCS = Path(__file__).resolve().parents[1] / "docs"


def png(size: int) -> bytes:
    """A picture that hardly becomes smaller."""
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Pillow.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def run(folder: Path, recipe: str, setting: str = "", split: str = "test", seed: int = 0, **pictures: bytes) -> Path:
    (folder / "model").mkdir(parents=True)
    figures = {"recipe": recipe, "setting": setting, "split": split, "seed": seed}
    (folder / "metrics.json").write_text(json.dumps(figures))
    (folder / "model" / "metrics.json").write_text(json.dumps({"test": {}}))  # of the model, which is no recipe
    for name, picture in pictures.items():
        (folder / ("model" if name == "curves" else "") / f"{name}.png").write_bytes(picture)
    return folder


def test_the_command_writes_pictures_and_the_page(tmp_path):
    run(tmp_path / "runs" / "b", "pronounce", attention=png(20), curves=png(30))
    run(tmp_path / "runs" / "a", "sst2", "glove", trace=png(10))
    run(tmp_path / "runs" / "q", "tag", split="a part of it: --quick claims nothing", trace=png(10))

    run(tmp_path / "runs" / "s", "sst2", "scratch", seed=1, trace=png(10))

    command = [sys.executable, "-m", "elman.recipes.report.gallery", str(tmp_path / "runs"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)

    page = (tmp_path / "gallery.md").read_text()
    shown = re.findall(r"\]\((.*)\)", page)
    assert shown == ["gallery/sst2-glove/trace.png", "gallery/pronounce/attention.png", "gallery/pronounce/curves.png"]
    assert (tmp_path / shown[1]).read_bytes() == png(20)
    assert "```sh\nelman recipe sst2 --setting glove\n```" in page
    assert gallery.CAPTIONS["attention"] in page

    run(tmp_path / "later" / "m", "melody", **{"written-1": png(10), "read-1": png(10)})
    run(tmp_path / "later" / "c", "caption", captions=png(20), **{"notes-2": png(10)})
    subprocess.run([*command[:3], str(tmp_path / "later"), "--out", str(tmp_path)], check=True, capture_output=True)
    later = re.findall(r"\]\((.*)\)", (tmp_path / "gallery.md").read_text())
    assert sorted(set(later) - set(shown)) == [
        "gallery/caption/captions.png",
        "gallery/caption/notes-2.png",
        "gallery/melody/written-1.png",
    ]
    assert later.index("gallery/caption/notes-2.png") + 1 == later.index("gallery/caption/captions.png")
    assert f"![{gallery.GENERATED['notes']}](gallery/melody/written-1.png)" in (tmp_path / "gallery.md").read_text()


@pytest.mark.parametrize("size", [100, 250, 600])
def test_a_large_picture_becomes_small_enough_and_stays_one(size):
    picture = gallery.small(png(size))

    assert len(picture) <= gallery.LARGEST
    assert (picture == png(size)) == (len(png(size)) <= gallery.LARGEST)
    width, height = Pillow.open(io.BytesIO(picture)).size
    assert width == height > 100 * (size > 100)


def test_the_page_in_the_documentation_is_that_of_its_pictures():
    page = (DOCS / "gallery.md").read_text()
    assert page == gallery.page(DOCS / "gallery")
    pictures = sorted((DOCS / "gallery").rglob("*.png"))
    assert pictures
    assert sorted(f"gallery/{path.parent.name}/{path.name}" for path in pictures) == sorted(
        re.findall(r"\]\((.*)\)", page)
    )
    assert all(path.stat().st_size <= gallery.LARGEST for path in pictures)
    assert {setting.partition("-")[0] for setting in {path.parent.name for path in pictures}} <= {
        name.partition("-")[0] for name in RECIPES
    }
