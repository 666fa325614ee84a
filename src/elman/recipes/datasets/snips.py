"""SNIPS (Coucke et al. 2018, arXiv 1805.10190): spoken requests, their slots and intents, split as Goo et al. 2018."""

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables

REPOSITORY = "MiuLab/SlotGated-SLU", "61f0307c729b1fad479ef1de94aa5ac5dee601b0"
DIGESTS = {
    "train/seq.in": "04ad1e3f2121d83c6478f9a4b17d2dbdc21d06d6127f73cb7af835ed733f9855",
    "train/seq.out": "fd5f2121d8055827e5d6b3d3bac30f3d7e94e82a5d437751960cbdd9e1b4f6d3",
    "train/label": "bfd7df6cf9dd76c5da5d8b61bc85f90386197bdd3d7510c1d324c051537b962f",
    "valid/seq.in": "64e0f6d8ad8aab3a3828164d7d53731a0993d3ca1aed437ceaca6d3d568d410e",
    "valid/seq.out": "712e6d34feb8d52d208b820a5f8bae6e6ff990f08374507dfde22de389088319",
    "valid/label": "9c1dd041216f647bcfca838aaf1a48eb5781e4404256d31ff07cd38a5436c52f",
    "test/seq.in": "c1e341173fcea2951a8ca371956a6f81c76de87b9583c62eb87edd6158fa3a7c",
    "test/seq.out": "58c07c9097d5e1f78889765c2a535a160f6455b90b3142055c8051847afcca47",
    "test/label": "37a26da3ad079bb41c42c85a3a8f827eb47efec4c5917ce5d08f4b2736e4f830",
}
SOURCES: dict[str, PublicFile] = {
    file: github(f"snips/{file}", *REPOSITORY, f"data/snips/{file}", digest) for file, digest in DIGESTS.items()
}


def snips() -> Tables:
    """Columns `tokens` and `slots` (lists of equal length) and `intent`: 13,084, 700 and 700 requests.

    Raises:
        DataError: the files are not available.
    """
    return Tables(*map(_table, ("train", "valid", "test")))


def _table(split: str) -> Table:
    tokens, slots, intents = (_lines(f"{split}/{file}") for file in ("seq.in", "seq.out", "label"))
    columns = {
        "tokens": [line.split() for line in tokens],
        "slots": [line.split() for line in slots],
        "intent": [line.strip() for line in intents],
    }
    return Table(columns, f"snips/{split}", lambda row: f"snips/{split}/seq.in:{row + 1}")


def _lines(file: str) -> list[str]:
    return fetch(SOURCES[file]).read_text(encoding="utf-8").removesuffix("\n").split("\n")
