"""The gallery of the documentation: the pictures of all recipes, reduced in size, on one page.

    python -m elman.recipes.report.gallery runs --out docs

Searches folders that `elman recipe` wrote, copies their pictures to docs/gallery/<recipe>/ and writes docs/gallery.md.
Pictures of other recipes stay as they are.
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
COLOURS, SMALLER = 128, 0.85  # reduction of a larger picture: number of colours, factor of each step
HEAD = """# Gallery

Pictures that the recipes make, each with the command that makes it; written by
`python -m elman.recipes.report.gallery runs --out docs`, not by hand.
"""

# Caption of a picture, by the name of its file without a number at its end.
CAPTIONS = {
    "trace": "The unrolled network: its input, the norm of its state, and its prediction after each step.",
    "attention": "Attention weights: source steps (columns) for each generated symbol (rows).",
    "captions": "Pictures of the test split and their generated captions; where one is wrong, the true one in red.",
    "forecast": "A forecast: history, mean, prediction intervals, and the actual values.",
    "anomalies": "Readings, their predictions, their scores, and the anomalies above the threshold.",
    "curves": "Learning curves: losses, and the metric on the validation split, by epoch.",
}

# Caption of `written-1.png`, by the kind of the generated field.
GENERATED = {
    "audio": "Generated speech, as a spectrogram: frequency over time.",
    "notes": "Generated music, as a piano roll: pitch over time.",
    "roll": "Generated music, as a piano roll: pitch over time.",
}


def main() -> None:
    """Copy the pictures of the given run folders and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders with the results of `elman recipe`")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    for run in options.runs:
        for folder in sorted(path.parent for path in run.rglob("metrics.json")):
            collect(folder, options.out / "gallery")
    (options.out / "gallery.md").write_text(page(options.out / "gallery"))
    print(f"written to {options.out / 'gallery.md'}")


def collect(folder: Path, gallery: Path) -> list[Path]:
    """Copy the pictures that a recipe wrote to one folder, less its inputs; only for seed 0, not for a quick run."""
    figures = json.loads((folder / "metrics.json").read_text())
    if "recipe" not in figures or figures["seed"] != 0 or "--quick" in figures["split"]:
        return []
    place = gallery / _folder_name(figures["recipe"], figures["setting"])
    place.mkdir(parents=True, exist_ok=True)
    copies = []
    for picture in (*sorted(set(folder.glob("*.png")) - set(folder.glob("read-*"))), folder / "model" / "curves.png"):
        if picture.is_file():
            copies.append(place / picture.name)
            copies[-1].write_bytes(small(picture.read_bytes()))
    return copies


def small(picture: bytes) -> bytes:
    """A PNG of at most 80 kB: the picture itself, else with fewer colours and a smaller size.

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
    """The Markdown page of the pictures in a gallery, in the order of the recipes."""
    parts = [HEAD]
    for recipe, setting in _settings():
        pictures = sorted((gallery / _folder_name(recipe, setting)).glob("*.png"), key=_order)
        if not pictures:
            continue
        command = f"elman recipe {recipe}" + f" --setting {setting}" * bool(setting)
        parts.append(f"## {_folder_name(recipe, setting)}: {RECIPES[recipe].about}\n\n```sh\n{command}\n```\n")
        for picture in pictures:
            caption = CAPTIONS.get(_subject(picture)) or _generated(recipe, setting)
            parts.append(f"![{caption}]({gallery.name}/{picture.parent.name}/{picture.name})\n\n{caption}\n")
    return "\n".join(parts)


def _settings() -> Iterator[tuple[str, str]]:
    for name, recipe in RECIPES.items():
        for setting in recipe.settings:
            yield name, setting


def _generated(recipe: str, setting: str) -> str:
    """The caption of a picture of a generated value; of another picture, the summary of the recipe."""
    document = RECIPES[recipe].setting(setting).document
    kinds = [options["kind"] for options in (document["target"] or document["input"]).values()]
    return next((GENERATED[kind] for kind in kinds if kind in GENERATED), RECIPES[recipe].about)


def _folder_name(recipe: str, setting: str) -> str:
    return f"{recipe}-{setting}" if setting else recipe


def _subject(picture: Path) -> str:
    return re.sub(r"[-_]?\d+$", "", picture.stem)


def _order(picture: Path) -> tuple[int, str]:
    subject = _subject(picture)
    return (list(CAPTIONS).index(subject) if subject in CAPTIONS else -1), picture.name


if __name__ == "__main__":
    main()
