"""The gallery of the documentation: every picture that recipes left in their folders, small, on one page.

    python -m elman.recipes.report.gallery runs --out docs

Looks for folders that `elman recipe` wrote, copies their pictures to docs/gallery/<recipe>/ and writes docs/gallery.md.
Pictures of recipes that are not there stay as they are.
"""

import argparse
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

from elman.errors import MissingExtraError
from elman.recipes import RECIPES

LARGEST = 80_000  # bytes of a picture
COLOURS, SMALLER = 128, 0.85  # what a picture is reduced to where it is larger, step by step
HEAD = """# Gallery

Pictures that the recipes make, each with the command that makes it; written by
`python -m elman.recipes.report.gallery runs --out docs`, not by hand.
"""
# What a picture shows, by the name of its file; a number at the end of a name is left out.
SHOWS = {
    "trace": "The unrolled network: what is read, the norm of the state, and the answer after each step.",
    "attention": "Where the network looked (columns) while it wrote each symbol (rows).",
    "captions": "Pictures of the test split and what was written about them; where it is wrong, in red what is true.",
    "fan": "A forecast: the mean, the quantiles around it, and what came.",
    "hits": "Readings, what was expected of them, how far off they were, and those above the threshold.",
    "curves": "The training: losses, and the figure on the validation split, by epoch.",
}

# What `written-1.png` shows, by the kind of field that is written.
WRITTEN = {
    "audio": "What the network said, as a spectrogram: frequency over time.",
    "notes": "What the network wrote, as a piano roll: pitch over time.",
    "roll": "What the network wrote, as a piano roll: pitch over time.",
}


def main() -> None:
    """Copy the pictures of the run folders that are named, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that hold what `elman recipe` wrote")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    asked = parser.parse_args()
    for run in asked.runs:
        for folder in sorted(path.parent for path in run.rglob("metrics.json")):
            collect(folder, asked.out / "gallery")
    (asked.out / "gallery.md").write_text(page(asked.out / "gallery"))
    print(f"written to {asked.out / 'gallery.md'}")


def collect(folder: Path, gallery: Path) -> list[Path]:
    """Copy the pictures of one folder that following a recipe wrote, less what it read; of the first seed alone, and of
    a quick run none."""
    figures = json.loads((folder / "metrics.json").read_text())
    if "recipe" not in figures or figures["seed"] != 0 or "--quick" in figures["split"]:
        return []
    place = gallery / _called(figures["recipe"], figures["setting"])
    place.mkdir(parents=True, exist_ok=True)
    copies = []
    for picture in (*sorted(set(folder.glob("*.png")) - set(folder.glob("read-*"))), folder / "model" / "curves.png"):
        if picture.is_file():
            copies.append(place / picture.name)
            copies[-1].write_bytes(small(picture.read_bytes()))
    return copies


def small(picture: bytes) -> bytes:
    """A PNG of at most 80 kB: itself, or else with fewer colours, and then smaller too.

    Raises:
        MissingExtraError: pillow is not installed.
    """
    if len(picture) <= LARGEST:
        return picture
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtraError("pillow", "image", "making pictures smaller") from None
    whole = PIL.Image.open(io.BytesIO(picture)).convert("RGB")
    scale = 1.0
    while True:
        size = int(whole.width * scale), int(whole.height * scale)
        file = io.BytesIO()
        whole.resize(size, PIL.Image.Resampling.LANCZOS).quantize(COLOURS).save(file, "PNG", optimize=True)
        if file.tell() <= LARGEST:
            return file.getvalue()
        scale *= SMALLER


def page(gallery: Path) -> str:
    """The Markdown page of the pictures that a gallery holds, in the order of the recipes."""
    parts = [HEAD]
    for recipe, setting in _settings():
        pictures = sorted((gallery / _called(recipe, setting)).glob("*.png"), key=_order)
        if not pictures:
            continue
        command = f"elman recipe {recipe}" + f" --setting {setting}" * bool(setting)
        parts.append(f"## {_called(recipe, setting)}: {RECIPES[recipe].about}\n\n```sh\n{command}\n```\n")
        for picture in pictures:
            shows = SHOWS.get(_subject(picture)) or _written(recipe, setting)
            parts.append(f"![{shows}]({gallery.name}/{picture.parent.name}/{picture.name})\n\n{shows}\n")
    return "\n".join(parts)


def _settings() -> Iterator[tuple[str, str]]:
    for name, recipe in RECIPES.items():
        for setting in recipe.settings:
            yield name, setting


def _written(recipe: str, setting: str) -> str:
    """What a picture of something written shows; of another picture, what the recipe is about."""
    document = RECIPES[recipe].setting(setting).document
    kinds = [options["kind"] for options in (document["target"] or document["input"]).values()]
    return next((WRITTEN[kind] for kind in kinds if kind in WRITTEN), RECIPES[recipe].about)


def _called(recipe: str, setting: str) -> str:
    return f"{recipe}-{setting}" if setting else recipe


def _subject(picture: Path) -> str:
    return re.sub(r"[-_]?\d+$", "", picture.stem)


def _order(picture: Path) -> tuple[int, str]:
    subject = _subject(picture)
    return (list(SHOWS).index(subject) if subject in SHOWS else -1), picture.name


if __name__ == "__main__":
    main()
