"""The table of bad input: what was typed, on which files, and what the one line of the error must say.

A good table, good.csv, and two run directories, model and series, stand beside the files of each case.
"""

import gzip
import io
import lzma
import shlex
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

ROWS = [(f"{'good fun' if row % 2 else 'dull bad'} number {row}", ("no", "yes")[row % 2], row) for row in range(30)]
GOOD = "text,label,score\n" + "".join(f"{text},{label},{score}\n" for text, label, score in ROWS)  # 31 lines
ARRAYS = "".join(f'{{"v":[{row},2],"y":"{"ab"[row % 2]}"}}\n' for row in range(30))  # 30 lines
TRAIN = "--input text --target label --hidden 4 --epochs 1"
RUN = f"train good.csv {TRAIN}"
TAGS = "--input tokens --target tags --hidden 4 --epochs 1"
ARRAY = "--input v --target y --hidden 4 --epochs 1"
SCORE = "--input text --target score --set target.score.kind=number"
NO_TABLE = "data = 3\n[input.text]\n[target.label]\n"
FIX = "Fix the row or pass --bad-rows skip."
TAGGED = '{"tokens":["a","b"],"tags":["O","B-x"]}\n' * 8
PAIR = "train pairs.csv --input text --target answer --hidden 4 --epochs 1"
PAIRS = {"pairs.csv": "text,answer,again,label\n" + "".join(
    f"{words} {row},{words} now {row},{words} then {row},{'xy'[row % 2]}\n"
    for row in range(30) for words in [("go home", "come back here")[row % 2]]
)}  # fmt: skip


class Case(NamedTuple):
    name: str
    command: str
    says: tuple[str, ...]  # parts of the message
    files: Mapping[str, str | bytes] = {}
    code: int = 2
    stdin: str = ""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def parquet(**columns: list) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def setting(text: str, *says: str) -> Case:
    return Case(text, f"{RUN} --set {shlex.quote(text)}", says)


def changed(content: bytes) -> bytes:
    """With a byte in the middle turned over."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def csv(name: str, content: str | bytes, *says: str, options: str = TRAIN) -> Case:
    return Case(f"csv: {name}", f"train bad.csv {options}", says, {"bad.csv": content})


def jsonl(name: str, content: str | bytes, *says: str, options: str = ARRAY) -> Case:
    return Case(f"jsonl: {name}", f"train bad.jsonl {options}", says, {"bad.jsonl": content})


SOURCES = [
    Case("no such file", f"train goo.csv {TRAIN}", ("'goo.csv'", "Did you mean good.csv")),
    Case("path too long", f"train {'x' * 300} {TRAIN}", ("'xxx", "File name too long", "Check the path.")),
    Case("unknown ending", f"train good.doc {TRAIN}", (".csv, .tsv", "'good.doc'"), {"good.doc": GOOD}),
    Case("data gone", "predict model --data gone.csv", ("the source must exist, got 'gone.csv'",)),
    Case("data is no table", "train --config d.toml", ("config: data must be", "got 3"), {"d.toml": NO_TABLE}),
    Case("gz: cut short", f"train bad.csv.gz {TRAIN}", ("bad.csv.gz', it is truncated", "copy or compress it again"),
         {"bad.csv.gz": gzip.compress(GOOD.encode())[:-12]}),
    Case("xz: a changed byte", f"train bad.csv.xz {TRAIN}", ("bad.csv.xz', Corrupt input", "compress it again"),
         {"bad.csv.xz": changed(lzma.compress(GOOD.encode()))}),
    Case("gz: a changed byte", "train bad.txt.gz --input text --set data.stream=true",
         ("bad.txt.gz', ", "compress it again"),
         {"bad.txt.gz": changed(gzip.compress(GOOD.encode()))}),
    Case("conll: ragged", f"train bad.conll {TAGS}", ("bad.conll:2: the line must have 2 columns", "got 3", FIX),
         {"bad.conll": "a O\nb O O\n"}),
    Case("txt: bad UTF-8", f"train bad.txt {TRAIN}", ("bad.txt:2: the line must be UTF-8", r"b'\xff'", FIX),
         {"bad.txt": b"a\n\xff\n"}),
    Case("side by side: unequal", "train a.en+a.fr --input en --target fr",
         ("a.en+a.fr: the files must have equal numbers of lines, got 2 in a.en, 1 in a.fr",),
         {"a.en": "one\ntwo\n", "a.fr": "un\n"}),
    csv("target varies within a sequence", "m,v,y\n" + "".join(f"{row // 5},{row},{row}\n" for row in range(30)),
        "column 'y' must have one value per sequence", "several where 'm' is '0'",
        options="--input v --id m --target y --hidden 4 --epochs 1"),
    csv("empty file", "", "bad.csv: the file must name its columns", "an empty file"),
    csv("header only", "text,label\n", "bad.csv: a table must have at least one row"),
    csv("column name twice", "text,text\na,b\n", "bad.csv:1:", "'text' twice"),
    csv("ragged row", 'text,label\n"a\nb",yes\n\nc,no,maybe\n', "bad.csv:5: the row must have 2 cells", "got 3", FIX),
    csv("ragged row before names", "\n\ntext,label\na b,no\nc,no,maybe\n", "bad.csv:5: the row", "got 3", FIX),
    csv("quote not closed", '"text,label\na,b\n', "bad.csv: the file must", "Look for a quote that is not closed."),
    csv("bad UTF-8", b"text,label\nfine,no\nf\xffne,no\n", "bad.csv:3: column 'text'", "UTF-8", r"b'f\xffne'", FIX),
    csv("UTF-16", GOOD.encode("utf-16"), "bad.csv:1:", "UTF-8", r"b'\xff\xfe", "Save the file as UTF-8."),
    csv("huge cell", f"text,label\n{'x ' * 600_000},no\n" + GOOD, "bad.csv:", FIX),
    csv("empty text", GOOD + ",yes,1\n", "bad.csv:32: column 'text' must hold some text, got ''", FIX),
    csv("blank text", GOOD + '" \n ",yes,1\n', "bad.csv:32: column 'text' must hold some text", FIX),
    csv("missing label", GOOD + "hm,,1\n", "bad.csv:32: column 'label' must name a class, got ''", FIX),
    csv("one class only", GOOD.replace(",no,", ",yes,"), "'label'", "at least two classes", "only 'yes'", "Check the"),
    csv("too few rows", "text,label\na b,yes\nc d,no\n", "enough rows", "got 2", "Add rows, or"),
    csv("number: not one", GOOD + "a,no,n/a\n", "bad.csv:32: column 'score' must be a number, got 'n/a'", FIX,
        options="--input text --target score"),
    csv("number: NaN", GOOD + "a,no,nan\n", "bad.csv:32: column 'score'", "finite", "'nan'", FIX, options=SCORE),
    csv("number: infinite", GOOD + "a,no,1e999\n", "bad.csv:32:", "finite", "'1e999'", FIX, options=SCORE),
    csv("number: constant", "text,score\n" + "".join(f"a b {row},5\n" for row in range(30)), "'score'", "must vary",
        options=SCORE),
    csv("empty column", "text,label\n" + ",no\n" * 30, "bad.csv: column 'text': the column must hold values, got none"),
    csv("vectors: no words", GOOD, "the file must exist, got 'gone.txt'", "GloVe's text format",
        options=f"{TRAIN} --set input.text.vectors=gone.txt"),
    csv("vectors: not numbers", GOOD, "bad.csv:2:", "'bad'", "GloVe's text format",
        options=f"{TRAIN} --set input.text.vectors=bad.csv"),
    csv("three classes, sigmoid", GOOD + "a b,maybe,1\n" * 9, "'label'", "exactly two classes, got 3", "softmax",
        options=f"{TRAIN} --set target.label.head=sigmoid"),
    csv("split: no value", "text,label,user\n" + "a b,no,x\na c,yes,\n" * 30, "bad.csv:3: column 'user'", FIX,
        options=f"{TRAIN} --set input.text.kind=text --set data.split_group=user"),
    csv("long: no time", "id,hour,load,y\n1,1,2,a\n1,,3,a\n", "bad.csv:3: column 'hour'", "got ''", FIX,
        options="--input load --id id --time hour --target y"),
    csv("long: not a number", "id,load,y\n1,2,a\n1,high,a\n", "bad.csv:3: column 'load'", "a number, got 'high'", FIX,
        options="--input load --id id --target y"),
    Case("tsv: ragged row", f"train bad.tsv {TRAIN}", ("bad.tsv:3:", "2 cells", "got 1", FIX),
         {"bad.tsv": 'text\tlabel\n"a\tyes\nfine\n'}),
    Case("tsv: bad UTF-8", f"train bad.tsv {TRAIN}", ("bad.tsv:2: column 'label'", r"b'\xe9'", FIX),
         {"bad.tsv": b"text\tlabel\na\t\xe9\n"}),
    jsonl("empty file", "\n\n", "bad.jsonl: a table must have at least one row"),
    jsonl("not JSON", ARRAYS + '\n{"v":[1,2],"y":\n', "bad.jsonl:32: the line must be a JSON object", '"y":', FIX),
    jsonl("not an object", ARRAYS + "[1,2]\n", "bad.jsonl:31:", "JSON object, got [1, 2]", FIX),
    jsonl("two objects in a line", '{"v":1}{"v":2}\n', "bad.jsonl:1:", "JSON object", FIX),
    jsonl("deep nesting", "[" * 100_000, "bad.jsonl:1:", "JSON object", FIX),
    jsonl("type changes", ARRAYS + '{"v":[1,2],"y":3}\n', "bad.jsonl:31: column 'y' must be a text", "got 3", FIX),
    jsonl("bad UTF-8", ARRAYS.encode() + b'{"v":[1,2],"y":"\xff"}\n', "bad.jsonl:31: the line must be UTF-8", FIX),
    jsonl("missing key", ARRAYS + '{"v":[1,2]}\n', "bad.jsonl:31: column 'y' must name a class, got None", FIX),
    jsonl("ragged array", ARRAYS + '{"v":[1,[2,3]],"y":"a"}\n', "bad.jsonl:31: column 'v'", "channels at every", FIX),
    jsonl("empty array", ARRAYS + '{"v":[],"y":"a"}\n', "bad.jsonl:31: column 'v'", "at least one step", FIX),
    jsonl("infinite", ARRAYS + '{"v":[1,Infinity],"y":"a"}\n', "bad.jsonl:31: column 'v'", "finite", "got inf", FIX),
    jsonl("channels differ", ARRAYS + '{"v":[[1,2]],"y":"a"}\n' * 9, "column 'v' must have 1 channel", "got 2", FIX),
    jsonl("missing refused", ARRAYS + '{"v":[1,null],"y":"a"}\n', "bad.jsonl:31: column 'v'", "one at step 1", FIX,
          options=f"{ARRAY} --set input.v.missing=refuse"),
    jsonl("objects as values", '{"v":{"a":1},"y":"a"}\n' * 9, "column 'v'", "text, numbers or lists", "got dict"),
    Case("parquet: damaged", f"train bad.parquet {TRAIN}", ("bad.parquet", "complete Parquet"),
         {"bad.parquet": b"PAR1"}),
    Case("parquet: null", f"train bad.parquet {TRAIN}", ("bad.parquet: row 3: column 'label'", "None", FIX),
         {"bad.parquet": parquet(text=["a b c", "d e", "f"], label=["x", "y", None])}),
    Case("folder: no texts", f"train texts {TRAIN}", ("the folder must hold files, in",), {"texts/.hidden": ""}),
    Case("folder: bad UTF-8", f"train texts {TRAIN}", ("texts/b/1.txt: column 'text' must be UTF-8", FIX),
         {"texts/a/1.txt": "fine", "texts/b/1.txt": b"\xff\xfe"}),
]  # fmt: skip

OPTIONS = [
    Case("no input", "train good.csv --target label", ("input must name a column", "COLUMN (of a text file: ")),
    Case("no target", "train good.csv --input score", ("input must be one text where no target is given", "Pass --")),
    Case("no source", f"train {TRAIN}", ("data.source must name a file or a folder", "Name the source")),
    Case("unknown input", "train good.csv --input texd --target label", ("good.csv", "'texd'", "Did you mean 'text'?")),
    Case("unknown target", "train good.csv --input text --target lable", ("'lable'", "Did you mean 'label'?")),
    Case("unknown id", "train good.csv --input score --id who --target label", ("good.csv", "text, label", "'who'")),
    Case("unknown time", "train good.csv --input score --id text --time when --target label", ("good.csv", "'when'")),
    Case("pattern fits nothing", "train good.csv --input 'v*' --target label", ("good.csv", "text, label", "'v*'")),
    Case("series of text", "train good.csv --input text --input score --target label --id label",
         ("good.csv:2:", "'text'", FIX)),
    Case("input is the target", "train good.csv --input label --target label", ("target", "'label'", "Name another")),
    Case("text as a target", "train good.csv --input score --target text --topology one-to-one",
         ("model.topology must be one-to-many where a text is generated", "'one-to-one'", "Leave")),
    Case("id without a series", "train good.csv --input text --target label --id label --set input.text.kind=text",
         ("data.id", "'text'", "Leave it out")),
    Case("time without id", "train good.csv --input score --target label --time text", ("data.time", "Pass --id")),
    Case("two ways to split", f"{RUN} --set data.split_time=score --set data.split_group=label",
         ("data.split_group", "'label'", "Keep one of them.")),
    Case("single, many-to-one", "train good.csv --input score --target label --topology many-to-one",
         ("model.topology", "'many-to-one'", "Leave it out")),
    Case("one-to-one, cell", f"{RUN} --topology one-to-one", ("[model]", "pooling", "got ")),
    Case("bytes, min_count", f"{RUN} --set input.text.tokenizer=byte --set input.text.min_count=2",
         ("column 'text'", "min_count must be left out", "got 2")),
    Case("unknown cell", f"{RUN} --cell lstn", ("gru", "'lstn'", "Did you mean 'lstm'?")),
    Case("unknown topology", f"{RUN} --topology many-to-on", ("Did you mean 'many-to-one'?",)),
    Case("hidden 0", f"{RUN} --hidden 0", ("hidden must lie between 1 and 1000000, got 0",)),
    Case("minutes -1", f"{RUN} --minutes -1", ("minutes must be at least 1e-06, got -1",)),
    Case("seed -1", f"{RUN} --seed -1", ("seed must lie between 0 and",)),
    setting("train", "--set", "a.b=c", "'train'", "--set train.lr=0.001"),
    setting("trian.lr=1", "data, input, target, model, train", "'trian'", "Did you mean 'train'?"),
    setting("model.hiden=3", "[model]", "'hiden'", "Did you mean 'hidden'?"),
    setting("train.lr=fast", "train.lr must be a valid number, got 'fast'"),
    setting("train.lr=0", "lr must lie between", "got 0.0", "Try train.lr=0.001."),
    setting("train.lr=nan", "lr must lie between", "got nan"),
    setting("train.clip=inf", "clip must be at least 0 and finite, got inf"),
    setting("train.weight_decay=1e400", "weight_decay must be at least 0 and finite, got inf"),
    setting("model.dropout=1", "dropout must be a fraction, at least 0 and below 1, got 1"),
    setting("model.dropout=1.5", "dropout must be a fraction, at least 0 and below 1, got 1.5"),
    setting("model.pooling=median", "last, mean, max, attention", "'median'", "Did you mean 'mean'?"),
    setting("input=5", "input must be a valid dictionary, got 5"),
    setting("input.text.kind=txt", "input.text.kind", "text, category, number, series", "Did you mean 'text'?"),
    setting("input.text.tune=false", "column 'text': vectors must name a file", "got none"),
    setting("input.text.min_count=-1", "min_count must be at least 1, got -1"),
    setting("input.text.embedding=0", "embedding must be at least 1, got 0"),
    setting("target.label.kind=image", "target.label.kind", "number, series, forecast, tags", "'image'"),
    setting("target.label.embedding=4", "[target.label]", "head, class_weights", "'embedding'"),
    setting("target.label.class_weights=fair", "target.label.class_weights must", "'balanced'", "'fair'"),
    setting("target.label.class_weights.maybe=2", "column 'label'", "no, yes", "'maybe'"),
    setting("data.valid_fraction=1", "data.valid_fraction must be less than 1, got 1"),
    setting("data.test=gone.csv", "the source must exist, got 'gone.csv'"),
    Case("no such config", "train --config gone.toml", ("gone.toml must be a file that can be read", "No such file")),
    Case("config not TOML", "train --config c.toml", ("c.toml must be a TOML file", "line 2"), {"c.toml": "\na = = 3"}),
    Case("unknown config key", f"{RUN} --config c.toml", ("[train]", "weight_decay", "'decay'"),
         {"c.toml": "[train]\ndecay = 1\n"}),
]  # fmt: skip

SEQUENCES = [
    Case("tags: one too many", f"train bad.jsonl {TAGS}", ("bad.jsonl:9: column 'tags' must have a value for each of",
         "the 2 steps of 'tokens', got 3", FIX),
         {"bad.jsonl": TAGGED + '{"tokens":["a","b"],"tags":["O","O","O"]}\n' + TAGGED}),
    Case("tags: one too many, side by side", "train bad.in+bad.out --input in --target out --hidden 4 --epochs 1",
         ("bad.in+bad.out:9: column 'out' must have", "the 2 steps of 'in', got 1", FIX),
         {"bad.in": "play it\n" * 30, "bad.out": "O B-x\n" * 8 + "O\n" + "O B-x\n" * 21}),
    Case("tags: none", f"train bad.jsonl {TAGS}", ("bad.jsonl:9: column 'tags' must have at least one label", FIX),
         {"bad.jsonl": TAGGED + '{"tokens":["a"],"tags":[]}\n' + TAGGED}),
    Case("tags of a single value", "train good.csv --input score --target text --set target.text.kind=tags",
         ("input must be a sequence where the target is tags", "got number")),
    Case("tags of a single value, one-to-one",
         "train good.csv --input score --target text --set target.text.kind=tags --topology one-to-one",
         ("input must be a sequence where the target is tags", "got number")),
    Case("tags, many-to-one", f"train good.jsonl {ARRAY} --set target.y.kind=tags --topology many-to-one",
         ("model.topology must be many-to-many where the target is tags", "'many-to-one'", "Leave model.topology out")),
    Case("text, many-to-one", f"{PAIR} --topology many-to-one",
         ("model.topology must be encoder-decoder where a text is generated", "'many-to-one'", "Leave model.topology"),
         PAIRS),
    Case("label, encoder-decoder", f"{RUN} --topology encoder-decoder",
         ("target must be one text where the topology is encoder-decoder, got category",)),
    Case("two texts written", f"{PAIR} --target again", ("target must be one text", "got text, text"), PAIRS),
    Case("text and label", f"{PAIR} --target label", ("target must be one text", "got text, category"), PAIRS),
    Case("two texts, no target", "train pairs.csv --input text --input answer",
         ("input must be one text where no target is given, got text, text", "Pass --target"), PAIRS),
    Case("empty source text", PAIR, ("pairs.csv:32: column 'text' must hold some text, got ''", FIX),
         {"pairs.csv": PAIRS["pairs.csv"] + ",a b,a,x\n"}),
    Case("empty answer", PAIR, ("pairs.csv:32: column 'answer' must hold some text, got ''", FIX),
         {"pairs.csv": PAIRS["pairs.csv"] + "a b,,a,x\n"}),
    Case("longer than longest", f"{PAIR} --set target.answer.longest=5",
         ("pairs.csv:32: column 'answer' must have at most 5 steps, got 6", FIX),
         {"pairs.csv": PAIRS["pairs.csv"] + "a b,a b c d e f,a,x\n"}),
    Case("sequences out of step", "train bad.jsonl --input tokens --input load --target label --hidden 4 --epochs 1",
         ("bad.jsonl:31: column 'load' must have a value for each of the 2 steps of 'tokens', got 1", FIX),
         {"bad.jsonl": '{"tokens":["a","b"],"load":[1,2],"label":"x"}\n{"tokens":["b"],"load":[3],"label":"y"}\n' * 15
          + '{"tokens":["a","b"],"load":[1],"label":"x"}\n'}),
    Case("weight below 0", f"{RUN} --set target.label.weight=-1", ("target.label.weight must be at least 0, got -1",)),
    Case("weight in words", f"{RUN} --set target.label.weight=much", ("target.label.weight must be a number",)),
    Case("condition without a single value", f"{RUN} --set model.condition=end",
         ("condition must be left out where no input is a single value",)),
]  # fmt: skip

WRITING = [
    Case("out exists", f"{RUN} --out model", ("'model', which exists", "--force")),
    Case(
        "force on a folder of others",
        f"{RUN} --out mine --force",
        ("run directory", "'mine'", "--out"),
        {"mine/notes.txt": "mine"},
    ),
    Case("force on a file", f"{RUN} --out good.csv --force", ("run directory, got 'good.csv'", "--out")),
    Case("out under a file", f"{RUN} --out good.csv/run", ("'good.csv/run', under a file", "--out")),
    Case("out cannot be written", f"{RUN} --out /proc/run", ("writable, got /proc", "--out")),
    Case("out name too long", f"{RUN} --out {'x' * 300}", ("'xxx", "File name too long", "--out")),
]

USING = [
    Case("no run directory", "predict gone hi", ("gone must be a run directory", "no folder", "runs/reviews")),
    Case("a folder of others", "info mine", ("mine must be a run directory", "manifest.json"), {"mine/a.txt": ""}),
    Case("weights changed", "predict model hi", ("weights.safetensors must have", "Restore the directory from a copy"),
         {"model/weights.safetensors": b"\0"}, 3),
    Case("manifest cut", "evaluate model good.csv", ("manifest.json must agree with its", "Restore the directory"),
         {"model/manifest.json": b'{"format": 1'}, 3),
    Case("manifest nested", "info model", ("manifest.json must agree", "Restore the directory"),
         {"model/manifest.json": "[" * 100_000}, 3),
    Case("predict: neither", "predict model", ("values or --data, got neither", "elman predict RUN VALUE")),
    Case("predict: both", "predict model hi --data good.csv", ("values or --data, got both", "elman predict RUN")),
    Case("predict: no such file", "predict model --data gone.csv", ("'gone.csv'",)),
    Case("predict: no such column", "predict model --data x.csv", ("x.csv", "'text'"), {"x.csv": "review\nhi\n"}),
    Case("predict: empty standard input", "predict model -", ("standard input must hold a value a line, got nothing",)),
    Case("predict: blank line", "predict model -", ("row 2: column 'text' must hold some text",), stdin="hi\n\n"),
    Case("predict: empty value", "predict model ''", ("row 1: column 'text' must hold some text",)),
    Case("predict: no row is left", "predict model '' --bad-rows skip", ("a row that can be used, got none",)),
    Case("predict: channels differ", "predict series --data x.jsonl", ("x.jsonl:2: column 'v'", "1 channel", "got 2"),
         {"x.jsonl": '{"v":[1]}\n{"v":[[1,2]]}\n'}),
    Case("predict: not a list", "predict series x", ("column 'v' must be a list of numbers", "[1, 2, 3]", "'x'")),
    Case("trace with a file", "predict model --trace --data good.csv", ("--trace must go with values",)),
    Case("evaluate: no such file", "evaluate model gone.csv", ("the source must exist, got 'gone.csv'",)),
    Case("evaluate: no target", "evaluate model x.csv", ("x.csv", "'label'"), {"x.csv": "text\nhi\n"}),
    Case("evaluate: class never seen", "evaluate model x.csv", ("x.csv:3: column 'label'", "(no, yes)", "'maybe'", FIX),
         {"x.csv": "text,label\nhi,no\nho,maybe\n"}),
    Case("evaluate: tag never seen", "evaluate tagger x.jsonl",
         ("x.jsonl:2: column 'tags' must hold only the 2 labels of the training split (B-x, O)", "'B-y'", FIX),
         {"x.jsonl": '{"tokens":["a"],"tags":["O"]}\n{"tokens":["a"],"tags":["B-y"]}\n'}),
    Case("evaluate: a tag missing", "evaluate tagger x.jsonl",
         ("x.jsonl:1: column 'tags' must have a value for each of the 2 steps of 'tokens', got 1", FIX),
         {"x.jsonl": '{"tokens":["a","b"],"tags":["O"]}\n'}),
    Case("predict: no tokens", "predict tagger --data x.jsonl",
         ("x.jsonl:1: column 'tokens' must hold some text in each of its tokens, got []",),
         {"x.jsonl": '{"tokens":[]}\n'}),
    Case("evaluate: side by side, one gone", "evaluate tagger x.tokens+x.tags",
         ("the source must exist, got 'x.tags'",),
         {"x.tokens": "a b\n"}),
    Case("recipe: unknown", "recipe sentimental", ("sentiment, sst2", "Did you mean 'sentiment'?")),
    Case("recipe: unknown setting", "recipe sst2 --setting glov", ("glove, scratch", "Did you mean 'glove'?")),
    Case("recipe: out exists", "recipe sentiment --quick --out model", ("'model', which exists", "--force")),
]  # fmt: skip


def sound(samples: int, format: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.sin(np.arange(samples) / 9), 16000, format=format)
    return file.getvalue()


def midi(track: bytes) -> bytes:
    whole = track + bytes.fromhex("00ff2f00")
    return b"MThd" + bytes.fromhex("00000006 0000 0001 01e0") + b"MTrk" + len(whole).to_bytes(4, "big") + whole


def picture() -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64) ** 2).save(file, "PNG")
    return file.getvalue()


NOTE = bytes.fromhex("00903c50 8360803c00")  # middle C for a beat
WHOLE = {"wav": sound(4000), "mp3": sound(4000, "MP3"), "mid": midi(NOTE), "png": picture()}


def media(name: str, ending: str, content: bytes, *says: str) -> Case:
    """A table whose third row names a file that is no good."""
    rows = [f"{'bad' if row == 2 else 'good'}.{ending},{'xy'[row % 2]}\n" for row in range(30)]
    files = {"files.csv": "file,label\n" + "".join(rows), f"good.{ending}": WHOLE[ending], f"bad.{ending}": content}
    given = TRAIN.replace("text", "file").replace("--hidden 4 ", "" if ending == "png" else "--hidden 4 ")
    return Case(  # a picture is read by no body, which has a hidden size
        name, f"train files.csv {given}", ("files.csv:4: column 'file'", *says, FIX), files
    )


MEDIA = [
    media("a clip of 0 seconds", "wav", sound(0), "must hold sound, got 0 seconds"),
    media("a clip that is none", "wav", b"dear diary", "must be an audio file"),
    media("a truncated WAV", "wav", sound(4000)[:-9], "must be a complete audio file"),
    media("a truncated MP3", "mp3", sound(40000, "MP3")[:-2000], "must be a complete audio file", "which is truncated"),
    media("a MIDI file with no notes", "mid", midi(b""), "must have a note, got 'bad.mid', a MIDI file without notes"),
    media("a truncated MIDI file", "mid", midi(NOTE)[:-9], "must be a MIDI file", "which is not one or is damaged"),
    media("a picture that is none", "png", b"dear diary", "must be a picture, got 'bad.png', which is not one"),
    media("a truncated picture", "png", picture()[:-100], "must be a complete picture, got 'bad.png'"),
]

FLAGS = [
    Case("unknown verb", "tran good.csv", ("tran", "Did you mean 'train'?")),
    Case("unknown flag", f"{RUN} --epoch 2", ("--epoch", "--epochs")),
    Case("epochs in words", f"{RUN} --epochs two", ("--epochs", "integer")),
    Case("unknown policy", f"{RUN} --bad-rows maybe", ("--bad-rows", "'maybe'", "'refuse', 'skip'")),
    Case("unknown format", "info model --format yaml", ("--format", "'yaml'", "'json'")),
    Case("no file to evaluate", "evaluate model", ("FILE",)),
]
