"""A text that is read or generated: tokens, sub-words, characters in words, streams, the symbols and their losses."""

import gzip
import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.nn import functional as F

import elman
from elman.encoders import ENCODERS, TensorColumn
from elman.errors import ArgumentError, BadValueError, ConfigError, DataError
from elman.fields import Text
from elman.fields.text.characters import BYTE_SIGNS
from elman.fields.text.detokenizer import Joiner
from elman.fields.text.pretrained import read_vectors
from elman.fields.text.words import Words
from elman.heads import HEADS
from elman.layers import real_steps

TEXTS = [
    "The cat isn't here, is it?",
    "She said (twice): well-known cats cost $3.50, i.e. 3,000 cents...",
    "L'homme n'est pas là; où est le chat ?",
    " two  spaces,\ttabs\nand lines ",
    "naïve 東京 🎵 e\u0301",
    "<pad> <end> ▁ Ġ \x00\x7f",
]
EXACT = ("character", "byte", "bpe", "unigram")


def fitted(values: list, generated: bool = True, **options) -> Text:
    field = Text("x", generated, **options)
    field.fit([field.parse(value) for value in values])
    return field


def again(field: Text, **options) -> Text:
    """A field that knows only what was written to JSON."""
    other = Text(field.name, field.generated, **options)
    other.restore(json.loads(json.dumps(field.learned())))
    return other


@pytest.mark.parametrize("tokenizer", EXACT)
def test_a_generated_text_is_read_back_as_it_was(tokenizer):
    field = fitted(TEXTS, tokenizer=tokenizer)
    for known in (field, again(field, tokenizer=tokenizer)):
        for text in TEXTS:
            ids = known.encode(text)
            composed = text.replace("e\u0301", "é")
            assert (known.decode_sequence(ids.tolist()), ids[-1], (ids > 3).sum()) == (
                composed,
                field.end,
                len(ids) - 1,
            )
            assert known.steps_of(text) == len(ids) - 1


@pytest.mark.parametrize("tokenizer", ["byte", "bpe", "unigram"])
def test_no_text_is_unknown_to_bytes_and_subwords(tokenizer):
    field = fitted(["only this"] * 3, generated=False, tokenizer=tokenizer)
    for text in TEXTS:
        assert 1 not in field.encode(text)
        assert field.decode_sequence(field.encode(text)) == text.replace("e\u0301", "é")


@pytest.mark.parametrize("tokenizer", ["character", "byte", "bpe"])
def test_ids_go_from_the_most_frequent_symbol_to_the_rarest(tokenizer):
    texts = [f"zip {'zap ' * (n % 5)}the lower number{n % 7} é" for n in range(60)]
    field = fitted(texts, tokenizer=tokenizer)
    counts = np.bincount(np.concatenate([field.encode(text)[:-1] for text in texts]), minlength=len(field.vocabulary))
    assert (np.diff(counts[4:]) <= 0).all()
    assert counts[4] > counts[10] > 0


@pytest.mark.parametrize("tokenizer", ["bpe", "unigram"])
def test_subwords_are_learned_alike_each_time_and_stay_within_their_number(tokenizer):
    texts = [f"the lower newest widest number{n % 7} lowest" for n in range(200)]
    one, two = (fitted(texts, tokenizer=tokenizer, max_vocabulary=320) for _ in range(2))
    assert one.learned() == two.learned()
    assert len(one.vocabulary) <= 320
    assert len(one.encode("the lowest")) - 1 < len("the lowest") / 2
    words = [piece for piece in one.step_names("the newest") if piece.startswith(" ")]
    assert len(words) == 2  # a word begins with its space, the first one too
    assert one.encode("newest the")[-2] == one.encode("the")[0]


def test_half_a_character_is_read_as_a_sign_for_it():
    field = fitted(["ab"], tokenizer="byte")
    ids = field.encode("é")[:1].tolist()
    assert field.decode_sequence(ids) == "\ufffd"
    assert field.symbols()[ids[0]] == "<0xC3>"
    assert sorted(BYTE_SIGNS) == sorted(set(BYTE_SIGNS))


def test_byte_signs_are_those_of_byte_level_tokenizers():
    from tokenizers.pre_tokenizers import ByteLevel

    assert sorted(BYTE_SIGNS) == sorted(ByteLevel.alphabet())
    for character in ("\n", " ", "~", "é", "€", "\x7f", "\u00ad"):
        ((signs, _),) = ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(character)
        assert signs == "".join(BYTE_SIGNS[byte] for byte in character.encode())


def test_a_field_that_is_only_read_has_no_begin_and_no_end():
    read, generated = (fitted(["a b b"], generated, min_count=1) for generated in (False, True))
    assert read.vocabulary == ["<pad>", "<unk>", "b", "a"]
    assert generated.vocabulary == ["<pad>", "<unk>", "<begin>", "<end>", "b", "a"] == generated.symbols()
    assert (generated.begin, generated.end) == (2, 3)
    assert read.encode("a z").tolist() == [3, 1]
    assert generated.encode("a z").tolist() == [5, 1, 3]


def test_case_is_kept_where_words_are_generated():
    assert fitted(["Good good"], False, min_count=1).vocabulary[2:] == ["good"]
    assert fitted(["Good good"], True, min_count=1).vocabulary[4:] == ["Good", "good"]
    assert fitted(["Good good"], True, min_count=1, lowercase=True).vocabulary[4:] == ["good"]


def test_a_prompt_has_no_end_and_one_known_word():
    field = fitted(["good fun"], min_count=1)
    assert field.encode_prompt("good quokka").tolist() == [field.vocabulary.index("good"), 1]
    with pytest.raises(BadValueError, match="hold a known word, got 'quokka'"):
        field.encode_prompt("quokka")
    with pytest.raises(BadValueError, match="hold a known character"):
        fitted(["good"], tokenizer="character").encode_prompt("xyz")


@pytest.mark.parametrize("tokenizer", ["word", "character"])
def test_a_target_longer_than_the_limit_is_refused(tokenizer):
    text = "a b c" if tokenizer == "word" else "abc"
    assert len(fitted([text], tokenizer=tokenizer, min_count=1, longest=3).encode(text)) == 4
    with pytest.raises(BadValueError, match="at most 2 steps, got 3"):
        fitted([text], tokenizer=tokenizer, min_count=1, longest=2).encode(text)
    assert len(fitted([text], False, tokenizer=tokenizer, min_count=1, longest=2).encode(text)) == 3


def test_the_longest_target_stands_for_all():
    field = Text("x", generated=True, longest=3)
    column = pa.array(["a b c", "longer text", "a b c d", "a-very-long-word"])
    assert field.representative_values(column) == ["a b c d"]
    assert field.representative_values(column[:0]) == field.representative_values(pa.array(["a b"])) == []


@pytest.mark.parametrize("tokenizer", ["bpe", "unigram"])
@pytest.mark.parametrize("long", ["…" * 4, "\ufb2c" * 2])  # 12 bytes, and 6 that are 12 when composed
def test_a_text_of_too_many_subwords_is_skipped_from_memory_and_from_the_cache(tmp_path, monkeypatch, tokenizer, long):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    rows = [{"a": word, "b": word} for word in ("good", "dull", "fine")] * 20
    other = tmp_path / "valid.jsonl"  # what stands in the training split may become one sub-word
    for path, own in (
        (tmp_path / "t.jsonl", rows),
        (other, [*rows[:8], {"a": "good", "b": "good fine dull good"}, {"a": "good", "b": long}]),
    ):
        path.write_text("".join(json.dumps(row) + "\n" for row in own))
    target = {"b": {"kind": "text", "tokenizer": tokenizer, "longest": 11}}
    skipped = []
    for size in (200, 0):
        model = elman.train(str(tmp_path / "t.jsonl"), input={"a": {"kind": "text"}}, target=target, hidden=3, epochs=1,
                            quiet=True, bad_rows="skip", data={"in_memory": size, "valid": str(other)})  # fmt: skip
        skipped.append(model.skipped)
    assert "valid.jsonl:10: column 'b' must have at most 11 steps" in skipped[0]
    assert skipped[0] == skipped[1]


SENTENCES = [
    "It isn't (really) fun, is it?",
    'He said: "They\'re 3.5 % better!"',
    "Wait... what; who's there?",
    "L'homme n'est pas là.",
    'One "two" and "three".',
    "Costs $5 [or less], {or more}",
]


@pytest.mark.parametrize("text", SENTENCES)
def test_words_are_joined_so_that_they_are_cut_alike(text):
    field = fitted([text], min_count=1)
    once = field.decode_sequence(field.encode(text))
    assert once == text.replace("3.5 %", "3.5%")
    assert field.encode(once).tolist() == field.encode(text).tolist()


def joined(words: list[str]) -> str:
    return Joiner().add(words)


@pytest.mark.parametrize(
    "options", [{"tokenizer": tokenizer} for tokenizer in ("word", *EXACT)] + [{"split": "space"}], ids=str
)
def test_symbols_read_as_they_come_are_read_as_all_together(options):
    field = fitted(
        [*SENTENCES, *TEXTS], **options | ({"min_count": 1} if options.get("tokenizer", "word") == "word" else {})
    )
    random = np.random.default_rng(0)
    drawn = [random.integers(1, len(field.vocabulary), 60) for _ in range(20)]  # bytes that are no UTF-8 among them
    for ids in [*map(field.encode, [*SENTENCES, *TEXTS]), *drawn]:
        reader, cuts = field.reader(), np.sort(random.integers(0, len(ids) + 1, 5))
        pieces = [reader(part.tolist(), False) for part in np.split(ids, cuts)]
        assert "".join(pieces) + reader([], True) == field.decode_sequence(ids)
    if options.get("tokenizer") in ("byte", "bpe", "unigram"):
        raw = b"".join(_bytes_of(field, index) for index in drawn[0])
        assert field.decode_sequence(drawn[0]) == raw.decode(errors="replace").removeprefix(
            " " * (options["tokenizer"] != "byte")
        )


def _bytes_of(field: Text, index: int) -> bytes:
    return bytes(BYTE_SIGNS.index(sign) for sign in field.vocabulary[index]) if index > 3 else b""


def test_closing_signs_stand_close_and_opening_ones_too():
    assert joined(["a", ",", "b", "(", "c", ")", "n't", "…"]) == "a, b (c)n't…"
    assert joined([]) == ""
    assert joined(["'", "tis"]) == "'tis"


TOKENS = [["Don't", "U.S.A.", "New York"], ["a", "Don't", "<pad>"]]


ODD = [
    "",
    "a",
    "Don't",
    "I",
    "3rd",
    "1,000.5",
    "n't",
    "it's",
    "Ümlaut",
    "\u0130I",
    "ﬁne",
    "e\u0301",
    "x_y",
    "<pad>",
    "<unk>",
    "...",
]


@pytest.mark.parametrize("lowercase", [True, False])
def test_plain_words_are_cut_as_the_tokenizer_cuts_them(lowercase):
    words = Words("word", lowercase, ["<pad>", "<unk>"], None)
    random = np.random.default_rng(0)
    signs = [chr(code) for code in range(32, 127)] + list("éßΣ\u2019½\uff12")
    parts = [*ODD, *("".join(random.choice(signs, random.integers(1, 4))) for _ in range(5000))]
    cut = words._cutter()
    known = [token for part in parts for token in cut(part)]
    words.set_vocabulary([*words.specials, *sorted(set(known))])
    for part in parts:
        by_tokenizer = words._tokenizer.encode(part)
        assert [words._ids[token] for token in cut(part)] == by_tokenizer.ids
        assert words.encode([part])[0].tolist() == [
            i for piece in part.split(" ") for i in words._tokenizer.encode(piece).ids
        ]


def test_each_token_of_a_list_is_one_step_whatever_it_holds():
    for given in (TOKENS, [tuple(row) for row in TOKENS], [np.array(row) for row in TOKENS]):
        field = fitted(given, generated=False, min_count=1)
        assert field.vocabulary[2:] == ["don't", "a", "new york", "u.s.a."]
        parsed = [field.parse(row) for row in given]
        assert [field.steps_of(row) for row in parsed] == [3, 3]
        assert field.encode_batch([*parsed, "new a"])[0].tolist() == [2, 5, 4]
        assert field.encode(("a", "<pad>", "<unk>", "z")).tolist() == [3, 1, 1, 1]
        assert field.step_names(("A", "z w")) == ["A", "z w (unknown)"]


def test_tokens_are_read_back_exactly():
    rows = [["AH0", "B", "[name]", ",", "n't"], ["B", "."]]
    field = fitted(rows, min_count=1)
    for known in (field, again(field, min_count=1)):
        assert known.decode_sequence(known.encode(tuple(rows[0])).tolist()) == " ".join(rows[0])
    text = "a ,  b\tn't\nc"
    spaced = fitted([text], min_count=1, split="space")
    assert spaced.decode_sequence(spaced.encode(text).tolist()) == "a , b n't c"
    assert spaced.steps_of(text) == len(spaced.step_names(text)) == 5


def test_lists_and_texts_of_the_same_tokens_are_encoded_alike():
    field = fitted(["play some Jazz", ("play", "jazz")], generated=False, min_count=1, split="space")
    one, two, three = field.encode_batch(["some jazz Play", ("some", "Jazz", "play"), "some"])
    assert one.tolist() == two.tolist()
    assert len(three) == 1


@pytest.mark.parametrize(
    "raw", [[], ["a", 1], ["a", ""], ["a", " "], [["a"]], ["\udc80"], np.zeros(2), ["a" * 1_000_001]]
)
def test_what_is_no_list_of_tokens_is_refused(raw):
    with pytest.raises(BadValueError):
        Text("x").parse(raw)


@pytest.mark.parametrize("tokenizer", EXACT)
def test_lists_are_for_words(tokenizer):
    with pytest.raises(BadValueError, match="be text, got"):
        Text("x", tokenizer=tokenizer).parse(["a"])


def test_texts_and_lists_are_kept_in_a_file_as_they_are():
    field, values = Text("x"), ["plain", ("a", "b c", '"'), "\x1fodd", ("\x1f",), "東京"]
    array = pa.array([field.pack(value) for value in values], field.storage)
    assert [field.unpack(stored) for stored in array] == values == field.unpack_column(array)
    assert field.parse_column(pa.array(["a", "\x1fb"])) is None
    assert field.parse_column(pa.array(["a", "b"])).to_pylist() == field.unpack_column(pa.array(["a", "b"]))


def test_token_lists_train_alike_from_memory_and_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    rows = [{"tokens": ["so", "New York", word], "label": word} for word in ("good", "dull")] * 20
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    weights = []
    for size in (200, 0):
        model = elman.train(str(tmp_path / "t.jsonl"), input={"tokens": {"kind": "text"}}, target="label", hidden=3,
                            epochs=1, quiet=True, data={"in_memory": size})  # fmt: skip
        assert "new york" in model.input.vocabulary
        weights.append(model.network.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize("tokenizer", EXACT)
def test_a_stream_is_the_text_of_its_pieces(tokenizer):
    field = fitted(TEXTS, tokenizer=tokenizer)
    whole = "\n".join(TEXTS[:5]) * 3
    ids = field.encode_stream([whole[:40], whole[40:]])
    assert field.decode_sequence(ids.tolist()) == whole.replace("e\u0301", "é")
    assert field.end not in ids
    assert field.encode_stream([]).dtype == ids.dtype == np.int64


def test_a_stream_of_words_has_those_of_its_texts():
    field = fitted(["It's fun.\nIsn't it?"], min_count=1)
    expected = field.encode("It's fun.\nIsn't it? quokka fun")[:-1]
    assert field.encode_stream(["It's fun.\nIsn't it? ", "quokka fun"]).tolist() == expected.tolist()


def test_characters_stand_beside_their_word():
    options = {"min_count": 1, "characters": "cnn"}
    field = fitted(["Don't abba", ("Ab", "e\u0301")], generated=False, **options)
    letters = field.learned()["characters"]
    for known in (field, again(field, **options)):
        one, two = known.encode_batch(["Don't zebra", "abba"])
        spelled = [[letters[index] for index in row if index] for row in one[:, 1:].tolist()]
        assert ["".join(row) for row in spelled[:2]] == ["Do", "n't"]  # as it is written, not folded
        assert spelled[2] == ["<unk>", "<unk>", "b", "<unk>", "a"]
        assert one[:, 0].tolist() == [known.vocabulary.index("do"), known.vocabulary.index("n't"), 1]
        assert (two.shape, one.dtype) == ((1, 21), np.int64)
        (long,) = known.encode(("a" * 15 + "b" * 15,))
        assert [letters[index] for index in long[1:]] == ["a"] * 10 + ["b"] * 10
        assert letters[known.encode(("é",))[0, 1]] == "é"  # composed


@pytest.mark.parametrize("tokenizer", ["word", "character"])
def test_a_composed_text_and_a_decomposed_one_are_read_alike(tokenizer):
    whole, parted = "un café noir", "un cafe\u0301 noir"
    field = fitted([whole], generated=False, tokenizer=tokenizer, min_count=1)
    assert (
        field.step_names(parted) == field.step_names(whole) == (whole.split() if tokenizer == "word" else list(whole))
    )
    assert field.encode(parted).tolist() == field.encode(whole).tolist()


def test_a_composed_word_and_a_decomposed_one_are_spelled_alike():
    field = fitted(["un café noir"], generated=False, min_count=1, characters="cnn")
    assert field.encode("un cafe\u0301 noir").tolist() == field.encode("un café noir").tolist()


@pytest.mark.parametrize("kind", ["bilstm", "cnn"])
def test_the_encoder_joins_a_word_and_its_characters(kind):
    field = fitted(["abba b"], generated=False, min_count=1, characters=kind, embedding=7)
    encoder = ENCODERS["text"](field).eval()
    rows = [field.encode("abba b"), field.encode("b")]
    batch = torch.zeros(2, 2, 21, dtype=torch.long)
    for place, row in enumerate(rows):
        batch[place, : len(row)] = torch.from_numpy(row)
    features = encoder(batch)
    assert features.shape == (2, 2, encoder.output_size)
    torch.testing.assert_close(features[0, 1], features[1, 0])
    torch.testing.assert_close(features[1, :1], encoder(torch.from_numpy(rows[1])[None])[0])
    changed = batch.clone()
    changed[0, 0, 1] = 1  # another first letter, the same word
    moved = encoder(changed)
    assert torch.equal(moved[0, 0, :7], features[0, 0, :7])
    assert not torch.equal(moved[0, 0, 7:], features[0, 0, 7:])


WORDS = ["a b c d e", "b c a", "c"]


@pytest.mark.parametrize("softmax", ["full", "adaptive", "sampled"])
def test_the_loss_at_evaluation_is_that_of_the_head_s_distribution(softmax):
    samples = {"samples": 3} if softmax == "sampled" else {}
    field = fitted(WORDS, min_count=1, softmax=softmax, **samples)
    torch.manual_seed(0)
    head, features = HEADS["text"](field, 6).eval(), torch.randn(3, 6, 6)
    ids = [torch.from_numpy(row) for row in field.encode_batch(WORDS)]
    lengths = torch.tensor([len(row) for row in ids])
    target = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    features[~real_steps(lengths, 6)] = math.nan

    losses = head.row_losses(features, TensorColumn(target, lengths))

    for row, length in enumerate(lengths.tolist()):
        logs = head(features[row, :length]).log_softmax(-1)
        torch.testing.assert_close(losses[row], -logs.gather(1, target[row, :length, None]).sum())


def test_label_smoothing_is_for_training_alone():
    field = fitted(WORDS, min_count=1, label_smoothing=0.2)
    logits, target = torch.randn(4, len(field.vocabulary)), torch.tensor([3, 4, 5, 6])
    even = -logits.log_softmax(-1).mean(-1)
    plain = F.cross_entropy(logits, target, reduction="none")
    head = HEADS["text"](field, 5)
    torch.testing.assert_close(head.loss(logits, target), plain)
    torch.testing.assert_close(head.training_loss(logits, target), 0.8 * plain + 0.2 * even)


def test_a_sampled_loss_is_taken_while_training_and_no_other():
    field = fitted(["a b c d e f g h"], min_count=1, softmax="sampled", samples=2)
    head, features, target = HEADS["text"](field, 5), torch.randn(9, 5), torch.arange(9) % 8
    exact = F.cross_entropy(head(features), target, reduction="none")
    assert not torch.allclose(head.train().step_losses(features, target), exact)
    torch.testing.assert_close(head.eval().step_losses(features, target), exact)


@pytest.mark.parametrize("softmax", ["full", "sampled"])
@pytest.mark.parametrize("tied", [True, False])
def test_the_head_shares_the_vectors_of_what_is_fed_back_where_tied(softmax, tied):
    field = fitted(WORDS, min_count=1, embedding=4, tied=tied, softmax=softmax)
    head, encoder = HEADS["text"](field, 6), ENCODERS["text"](field)
    head.tie(encoder)
    assert any(parameter is encoder.weight for parameter in head.parameters()) is tied
    assert head(torch.zeros(2, 6)).shape == (2, len(field.vocabulary))


SCORED = [
    ({}, ("perplexity", "bleu", "chrf", "exact_match")),
    ({"tokenizer": "bpe"}, ("perplexity", "bleu", "chrf", "exact_match")),
    ({"split": "space"}, ("perplexity", "wer", "exact_match")),
    ({"tokenizer": "character"}, ("nats", "bits", "cer", "exact_match")),
    ({"tokenizer": "byte", "metrics": ["bleu"]}, ("nats", "bits", "bleu")),
    ({"metrics": ["per", "wer"]}, ("perplexity", "per", "wer")),
]


@pytest.mark.parametrize(("options", "metrics"), SCORED)
def test_a_generated_text_is_scored_by_its_tokenizer_unless_told_otherwise(options, metrics):
    assert Text("x", **options).metrics == metrics


REFUSED = [
    ({"tokenizer": "bpe", "min_count": 2}, ConfigError, "min_count must be left out with the tokenizer bpe"),
    ({"tokenizer": "bpe", "max_vocabulary": 299}, ArgumentError, "max_vocabulary must be at least 300"),
    ({"tokenizer": "character", "split": "space"}, ConfigError, 'tokenizer must be "word" where split'),
    ({"tokenizer": "byte", "characters": "cnn"}, ConfigError, 'tokenizer must be "word" where characters'),
    ({"samples": 5}, ConfigError, 'samples must be left out unless softmax is "sampled"'),
    ({"softmax": "adaptive", "tied": True}, ConfigError, "softmax must be full or sampled where tied"),
    ({"softmax": "sampled", "label_smoothing": 0.1}, ConfigError, "softmax must be full where label_smoothing"),
    ({"metrics": ["blue"]}, ArgumentError, "Did you mean 'bleu'"),
    ({"longest": 0}, ArgumentError, "longest must be at least 1"),
    ({"tokenizer": "words"}, ArgumentError, "Did you mean 'word'"),
]


@pytest.mark.parametrize(("options", "error", "says"), REFUSED)
def test_options_that_do_not_fit_are_refused(options, error, says):
    with pytest.raises(error, match=says):
        Text("x", **options)


def test_a_generated_text_has_no_characters_inside_its_words():
    with pytest.raises(ConfigError, match="characters must be none"):
        fitted(["a b"], min_count=1, characters="cnn")


VECTORS = {"good": [1.5, -2.0, 0.25], "naïve": [0.0, 1.0, 2.0], "<unk>": [3.0, 3.0, 3.0]}


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("after", [b"", b"\n"])
def test_binary_vectors_are_read(tmp_path, monkeypatch, ending, after):
    monkeypatch.setattr("elman.fields.text.pretrained.BLOCK", 8)  # so that blocks end anywhere
    monkeypatch.setattr("elman.fields.text.pretrained.LONGEST_WORD", 8)
    content = b"3 3\n" + b"".join(
        word.encode() + b" " + np.array(row, "<f4").tobytes() + after for word, row in VECTORS.items()
    )
    path = tmp_path / f"vectors.bin{ending}"
    path.write_bytes(gzip.compress(content) if ending else content)

    found = read_vectors(path, lambda word: word != "<unk>")

    assert {word: row.tolist() for word, row in found.items()} == {word: VECTORS[word] for word in ("good", "naïve")}
    field = fitted(["good film"], generated=False, min_count=1, vectors=str(path), vectors_words="all")
    weight = ENCODERS["text"](field).weight.detach()
    assert weight[field.vocabulary.index("naïve")].tolist() == VECTORS["naïve"]
    assert weight[1].tolist() == VECTORS["<unk>"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"2 3\ngood " + bytes(12), "word 2 of .* too early"),
        (b"good 1 2\n", "another first line"),
        (b"0 3\n", "0 words"),
    ],
)
def test_a_binary_file_that_is_cut_or_none_is_refused(tmp_path, content, says):
    (tmp_path / "v.bin").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_vectors(tmp_path / "v.bin")


FORGED = [
    ("character", {"vocabulary": ["<pad>", "<unk>", "ab"]}),
    ("byte", {"vocabulary": ["<pad>", "<unk>", "東"]}),
    ("bpe", {"vocabulary": ["<pad>", "<unk>", "a"], "merges": [["a", "b"]]}),
    ("unigram", {"vocabulary": ["<pad>", "<unk>", "a"], "scores": ["x"]}),
]


@pytest.mark.parametrize(("tokenizer", "learned"), FORGED)
def test_a_vocabulary_that_cannot_be_is_not_restored(tokenizer, learned):
    with pytest.raises((TypeError, ValueError)):  # what reading a run directory reports
        Text("x", tokenizer=tokenizer).restore(learned | {"embedding": None})
