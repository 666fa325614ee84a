"""Schema-Guided Dialogue (Rastogi et al. 2019, arXiv 1909.05855): people and services, 16 files of 2,048 dialogues."""

import json

from elman.data import PublicFile, Table, fetch, github
from elman.data.layouts import Tables
from elman.recipes.datasets.shared.splits import fixed_split
from elman.types import Json

REPOSITORY = "google-research-datasets/dstc8-schema-guided-dialogue", "e852981ae34990f4358979625854259302feaa78"
DIGESTS = {
    "001": "5ce28a6e656bc88c1da29c983d243d5a81eb37de92698da3864d1cf02894ca24",
    "002": "56a06f9762593b27f5b34225de4ce37da5e83c9c5747e56bca2899f147d88b3e",
    "003": "aae3d8d141c8c36bc5268ca573044b4e82d4534947c169d951a1f229b9852029",
    "004": "4f4aa821e01d7d9efd44c2e89264d37e428045e7058bf3b3c6be0eaec09eddce",
    "005": "e19563efc34dead580435331d39ec3183c79230fa361b2e2d79035af242dd90b",
    "006": "6b4829cb18185f063b81d271b847aa6915ef970cb592a2366edbec56d4b4c746",
    "007": "59adf47264e106df1ce4a59d2c88e95b5a12497e6f5e3e5464381c2a7526837c",
    "008": "36614c125ce310dd162b62d624b8bcd117053cf727978458b6c36b6592f6e757",
    "009": "d8cc086374bbce168a03169341687eaa9f886fe25f8b8dd5bd6832f6f441951d",
    "010": "d8658cd35bd4b6d274720d14308ec721f238d70cc37ea947c38f9d83a0267c1b",
    "011": "66f7eb72a46fa379d85e53ae607e5920a4fa14a4a99765d91ee67f3675fdf4d7",
    "012": "483b09fc9ad3d5b7285d2e1bc44057f1286ea3e73d7ff191fcec5e1acb364412",
    "013": "c6592a97753a8d3be8bae0099b3877e21f293a12d8daf9bcdcbec7289d5f1be3",
    "014": "5cd6cc68c676a2546a3312eda0f29be170ab5f0d6c602c9548ffa2c095037c7b",
    "015": "b698e8db9b0898186453ec9fcec5f80ab043cfe301447d28dc577e99bd3acfd3",
    "016": "5a7d85a3058f38bf40290782721865c3d816f43841e0cd302b21167eefecf449",
}
SOURCES: list[PublicFile] = [
    github(f"sgd/train/dialogues_{number}.json", *REPOSITORY, f"train/dialogues_{number}.json", digest)
    for number, digest in DIGESTS.items()
]
TURNS = 2  # of the history
MARKS = {"USER": "user:", "SYSTEM": "system:"}
VALID, TEST = 0.1, 0.1


def sgd() -> Tables:
    """Columns `history`, `reply` and `dialogue`: a row for each turn of a service; a tenth of the dialogues each for
    validation and test.

    The history is the text of the two turns before, or the one there is, each turn after its speaker:
    `system: In which city? user: San Jose.` In the reply the values of annotated slots are replaced by their names in
    brackets, such as [restaurant_name].

    Raises:
        DataError: the files are not available.
    """
    columns: dict[str, list[str]] = {"history": [], "reply": [], "dialogue": []}
    for source in SOURCES:
        for dialogue in json.loads(fetch(source).read_text(encoding="utf-8")):
            turns: list[Json] = dialogue["turns"]
            for number, turn in enumerate(turns):
                if turn["speaker"] != "SYSTEM":
                    continue
                before = turns[max(0, number - TURNS) : number]
                history = (f"{MARKS[turn['speaker']]} {_plain(turn['utterance'])}" for turn in before)
                columns["history"].append(" ".join(history))
                columns["reply"].append(_plain(with_slots(turn)))
                columns["dialogue"].append(dialogue["dialogue_id"])
    return fixed_split(Table(columns, "sgd"), VALID, TEST, columns["dialogue"])


def with_slots(turn: Json) -> str:
    """The text of a turn, with the names of slots in place of their values.

    Example:
        >>> slots = [{"slot": "city", "start": 10, "exclusive_end": 18}]
        >>> with_slots({"utterance": "There, in San Jose?", "frames": [{"slots": slots}]})
        'There, in [city]?'
    """
    text: str = turn["utterance"]
    slots = {
        (slot["start"], slot["exclusive_end"]): slot["slot"] for frame in turn["frames"] for slot in frame["slots"]
    }
    for (start, end), name in sorted(slots.items(), reverse=True):  # from the end, so that positions stay valid
        text = f"{text[:start]}[{name}]{text[end:]}"
    return text


def _plain(text: str) -> str:
    return " ".join(text.split())
