"""Toy pictures with one bright quarter, written as files beside a table that names them."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

RANDOM = np.random.default_rng(0)
QUARTERS = ["top left", "top right", "bottom left", "bottom right"]
GREY_8 = {"file": {"kind": "image", "size": "8x8", "channels": 1, "features": 16}}


def saved(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> str:
    picture = Pillow.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return str(path)


def bright(quarter: int, size: int = 8) -> np.ndarray:
    """A picture of noise with one bright quarter."""
    picture = RANDOM.integers(0, 60, (size, size), dtype=np.uint8)
    row, column = divmod(quarter, 2)
    half = size // 2
    picture[row * half : (row + 1) * half, column * half : (column + 1) * half] += 150
    return picture


def gallery(folder: Path, count: int = 40) -> None:
    """Pictures in folder/pictures, and a table beside them that names them."""
    (folder / "pictures").mkdir(parents=True)
    lines = ["file,where,side"]
    for at in range(count):
        saved(folder / "pictures" / f"{at}.png", bright(at % 4))
        lines.append(f"pictures/{at}.png,{QUARTERS[at % 4]} side,{QUARTERS[at % 4].split()[1]}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
