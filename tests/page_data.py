"""Small data for the commands of README and docs: for each page the files that it names, made anew in a folder."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pictures import QUARTERS, bright, saved
from tones import RATE, sung, tone

COMPLAINTS = {
    "billing": ["I was charged twice", "please refund my payment", "the invoice is wrong", "my card was charged again"],
    "technical": ["the app crashes", "I get an error", "the page does not load", "the update shows an error"],
}
TOPICS = {"billing": ["invoice", "card"], "technical": ["app", "login"]}
REQUESTS = [
    ("play some jazz by miles davis", "O O B-genre O B-artist I-artist"),
    ("put on rock music", "O O B-genre O"),
    ("play the beatles now", "O B-artist I-artist O"),
    ("I want to hear some blues", "O O O O O B-genre"),
]
SUBJECTS = {
    "I": "je",
    "the dog": "le chien",
    "my umbrella": "mon parapluie",
    "the garden": "le jardin",
    "a friend": "un ami",
}
PLACES = {"here": "ici", "in the house": "dans la maison", "outside": "dehors", "in the rain": "sous la pluie"}
SENTENCES = {
    f"{subject} {verb} {place} {end}": f"{sujet} {verbe} {lieu} {end}"
    for subject, sujet in SUBJECTS.items()
    for verb, verbe in {"stays": "reste", "sleeps": "dort"}.items()
    for place, lieu in PLACES.items()
    for end in ".?"
} | {"it is raining so I will take my umbrella": "il pleut donc je prends mon parapluie"}
NAME_PARTS = {
    "Italian": (["Ross", "Bianch", "Ferrar", "Esposit"], ["i", "o", "ini", "etti"]),
    "German": (["Schmidt", "Müller", "Schneid", "Fisch"], ["", "er", "mann", "ke"]),
}
TUNES = ["C4:1 D4:1 E4:2", "E4:1 D4:1 C4:2", "G4:1/2 F4:1/2 E4:1 C4:2", "C4:1 E4:1 G4:1 rest:1", "A4:1 G4:1 F4:1 E4:1"]


def write_rows(path: Path, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


def classify(folder: Path) -> None:
    """Tickets with a team, a level of urgency, topics and the hours that they took; and word vectors."""
    rows = []
    for at in range(48):
        team = list(COMPLAINTS)[at % 2]
        text = COMPLAINTS[team][at // 2 % 4] + [" today", " since monday", "", " and nobody answers"][at % 4]
        rows.append((text, team, 1 + at % 3, "|".join(TOPICS[team][: at % 3]), 2.5 + at % 5))
    names = ["text", "team", "urgency", "topics", "hours"]
    for name, part in (("tickets.csv", rows), ("test.csv", rows[:12]), ("new.csv", rows[:6])):
        write_rows(folder / name, names, part)
    words = sorted({word for row in rows for word in row[0].split()})
    random = np.random.default_rng(0)
    lines = [" ".join([word, *(f"{x:.3f}" for x in random.normal(size=50))]) for word in words]
    (folder / "glove.6B.50d.txt").write_text("\n".join(lines) + "\n")


def tag(folder: Path) -> None:
    """Requests with a slot for each word, in columns and as a table."""
    blocks = [
        "\n".join(f"{word}\t{slot}" for word, slot in zip(text.split(), slots.split(), strict=True))
        for text, slots in REQUESTS * 12
    ]
    (folder / "requests.conll").write_text("\n\n".join(blocks) + "\n")
    write_rows(folder / "requests.csv", ["text", "slots"], REQUESTS * 12)
    (folder / "new.csv").write_text("text\nplay some blues\nput on the beatles\n")


def hours(count: int, first: str = "2026-01-01 00:00") -> list[str]:
    """Consecutive hours, as text."""
    begin = datetime.fromisoformat(first)
    return [f"{begin + timedelta(hours=hour):%Y-%m-%d %H:%M}" for hour in range(count)]


def wave(count: int, seed: int = 0) -> list[float]:
    """Hourly values that repeat every day, with noise."""
    random = np.random.default_rng(seed)
    return (100 + 20 * np.sin(2 * np.pi * np.arange(count) / 24) + random.normal(0, 2, count)).round(2).tolist()


def forecast(folder: Path) -> None:
    """The hourly load of a grid, daily sales of some shops with their price, and readings of machines."""
    write_rows(folder / "load.csv", ["hour", "load"], zip(hours(1000), wave(1000), strict=True))
    write_rows(folder / "history.csv", ["hour", "load"], zip(hours(600, "2026-03-01 00:00"), wave(600, 1), strict=True))
    days = [f"{datetime(2025, 1, 1) + timedelta(days=day):%Y-%m-%d}" for day in range(400)]
    rows = []
    for number, shop in enumerate(("north", "south")):
        sales, price = wave(400, number), np.random.default_rng(number).choice([1.0, 1.5], 400)
        rows += [(shop, day, x, p) for day, x, p in zip(days, sales, price, strict=True)]
    write_rows(folder / "sales.csv", ["shop", "day", "sales", "price"], rows)
    ahead = [f"{datetime(2026, 2, 5) + timedelta(days=day):%Y-%m-%d}" for day in range(28)]
    rows += [(shop, day, "", 1.5) for shop in ("north", "south") for day in ahead]
    write_rows(folder / "plan.csv", ["shop", "day", "sales", "price"], rows)
    readings(folder)


def readings(folder: Path) -> None:
    """Hourly readings of two machines, one channel of which follows the other; and new ones, one of them wrong."""
    for name, count, seed in (("readings.csv", 400, 0), ("new.csv", 120, 5)):
        rows = []
        for number, machine in enumerate(("m1", "m2")):
            load = wave(count, seed + number)
            temp = [round(20 + 0.1 * x, 2) for x in load]
            if name == "new.csv" and machine == "m2":
                load[70] += 90
            rows += [(machine, hour, x, y) for hour, x, y in zip(hours(count), load, temp, strict=True)]
        write_rows(folder / name, ["machine", "hour", "load", "temp"], rows)


def translate(folder: Path) -> None:
    """Sentences and their translations, in two files and in one; words and their sounds."""
    (folder / "train.en").write_text("\n".join(list(SENTENCES)) + "\n")
    (folder / "train.fr").write_text("\n".join(list(SENTENCES.values())) + "\n")
    pairs = [*SENTENCES.items()]
    for name, rows in (("pairs.csv", pairs), ("test.csv", pairs[:8])):
        write_rows(folder / name, ["en", "fr"], rows)
    sounds = [("cat", "K AE1 T"), ("dog", "D AO1 G"), ("read", "R EH1 D"), ("read", "R IY1 D"), ("tea", "T IY1")] * 8
    write_rows(folder / "words.csv", ["word", "sounds"], sounds)


def generate(folder: Path) -> None:
    """A play, sentences, and names by their language."""
    lines = [f"ROMEO:\n{text.capitalize()}.\n\nJULIET:\n{text.capitalize()}, sir!\n" for text in SENTENCES]
    (folder / "plays.txt").write_text("\n".join(lines * 4))
    (folder / "sentences.txt").write_text("\n".join(list(SENTENCES)) + "\n")
    parts = NAME_PARTS.items()
    names = [(kind, begin + end) for kind, (begins, ends) in parts for begin in begins for end in ends]
    write_rows(folder / "names.csv", ["language", "name"], names)
    readings(folder)


def audio(folder: Path) -> None:
    """Clips of tones: in a folder for each label, in a table with what is said in them, and one by itself."""
    import soundfile

    for at in range(24):
        name = ("low", "mid", "high")[at % 3]
        path = folder / "clips" / name / f"{at}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(name), RATE)
    (folder / "calls").mkdir()
    rows = []
    for at in range(30):
        words = [("low", "mid", "high")[(at + step) % 3] for step in range(1 + at % 3)]
        soundfile.write(folder / "calls" / f"{at}.wav", sung(words), RATE)
        rows.append((f"calls/{at}.wav", " ".join(words)))
    write_rows(folder / "calls.csv", ["clip", "words"], rows)
    soundfile.write(folder / "new.wav", sung(["low", "high"]), RATE)
    (folder / "new").mkdir()
    for name in ("low", "high"):
        soundfile.write(folder / "new" / f"{name}.wav", tone(name), RATE)


def music(folder: Path) -> None:
    """Tunes as text, and pieces as MIDI files."""
    from elman.media.music import Note, write_midi

    write_rows(folder / "tunes.csv", ["key", "tune"], [(("C", "G")[at % 2], TUNES[at % 5]) for at in range(40)])
    (folder / "pieces").mkdir()
    for at in range(20):
        notes = [Note(60 + (at + 2 * step) % 12 + shift, step / 2, 0.5) for step in range(16) for shift in (0, 4)]
        write_midi(notes, 90, folder / "pieces" / f"{at}.mid")
    write_midi([Note(60, 0.0, 1.0), Note(64, 0.0, 1.0)], 90, folder / "opening.mid")


def pictures(folder: Path) -> None:
    """Photos with a caption, and in a folder for each label."""
    rows = []
    for at in range(24):
        corner = QUARTERS[at % 4]
        for path in (f"photos/{at}.png", f"corners/{corner}/{at}.png"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            saved(folder / path, bright(at % 4, 32))
        rows.append((f"photos/{at}.png", f"a bright corner at the {corner}", 1 + at % 4))
    write_rows(folder / "photos.csv", ["file", "caption", "price"], rows)
    saved(folder / "beach.png", bright(1, 32))


def series(folder: Path) -> None:
    """Series with a label: a row each, a row for each step, and an array in each cell."""
    rows = [(f"s{at}", *wave(24, at), ("up", "down")[at % 2]) for at in range(40)]
    rows = [(name, *(-x for x in xs), kind) if kind == "down" else (name, *xs, kind) for name, *xs, kind in rows]
    write_rows(folder / "gestures.csv", ["name", *(f"v{step}" for step in range(1, 25)), "kind"], rows)
    long = [(name, step, x, 2 * x, kind) for name, *xs, kind in rows for step, x in enumerate(xs, 1)]
    write_rows(folder / "readings.csv", ["machine", "hour", "load", "temp", "broke"], long)
    lines = [json.dumps({"motion": [[x, 2 * x] for x in xs], "kind": kind}) for _, *xs, kind in rows]
    (folder / "motions.jsonl").write_text("\n".join(lines) + "\n")


def large_data(folder: Path) -> None:
    """Logs in several files, tickets with a customer and a day, readings of which one is no number."""
    import gzip

    classify(folder)
    texts = [(text, team) for team in COMPLAINTS for text in COMPLAINTS[team]] * 4
    rows = [(*row, f"c{at % 9}", f"2026-01-{1 + at % 28:02d}") for at, row in enumerate(texts)]
    write_rows(folder / "tickets.csv", ["text", "team", "customer", "day"], rows)
    write_rows(folder / "valid.csv", ["text", "team"], texts[:8])
    for number in range(3):
        write_rows(folder / "logs" / f"{number}.csv", ["text", "team"], texts)
        plain = folder / "logs" / f"{number}.csv"
        with gzip.open(f"{plain}.gz", "wb") as file:
            file.write(plain.read_bytes())
    readings = [(f"m{at // 10}", 5 * at % 13, 7 * at % 11, ("yes", "no")[at // 10 % 2]) for at in range(400)]
    readings[116] = ("m11", "n/a?", 3, "no")
    write_rows(folder / "readings.csv", ["machine", "load", "temp", "broke"], readings)
    for number, text in enumerate(list(SENTENCES)[:6]):
        path = folder / "mails" / ("work", "home")[number % 2]
        path.mkdir(parents=True, exist_ok=True)
        for copy in range(5):
            (path / f"{number}-{copy}.txt").write_text(text)


PAGE_DATA: dict[str, Callable[[Path], None]] = {
    "classify": classify,
    "tag": tag,
    "forecast": forecast,
    "anomalies": readings,
    "translate": translate,
    "generate": generate,
    "audio": audio,
    "music": music,
    "pictures": pictures,
    "series": series,
    "large-data": large_data,
    "training": classify,
    "models": classify,
    "python": classify,
}
