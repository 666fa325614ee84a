"""Networks that others wrote and trained, before and after `elman.accelerate`: differences of outputs, and speed.

    make .venv/foreign
    python -m benchmarks.foreign_networks --threads 1

A speaker encoder, a tagger of letters and a network from spelling to sound, each from its own package with its weights,
on its own task. Printed: the median time of the outputs, and of the outputs with gradients, torch's over ours, and the
largest difference, of gradients relative to the largest one.
"""

import argparse
import copy
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor, nn

import elman
from benchmarks.machine import describe
from benchmarks.task import Prepared
from benchmarks.timing import figure, interleaved

ARABIC = "وندد الفلسطينيون وبكتابهم فبالمدرسة والناس تفرقت سيكتبون بالقلم ومدرستنا للطلاب كتابها فاستخرجوه"
PERSIAN = "سلام کتاب خورشید دانشگاه"


class Foreign(NamedTuple):
    """A network of others and how it is called."""

    package: str
    recurrent: list[str]  # the names of its recurrent layers
    load: Callable[[], nn.Module]
    answer: Callable[[nn.Module], Tensor]  # outputs before any decoding, with their gradients


def speaker_encoder() -> nn.Module:
    # It imports these to read and trim sound files; the network needs neither.
    for name in ("librosa", "webrtcvad"):
        if find_spec(name) is None:
            sys.modules.setdefault(name, ModuleType(name))
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


def voices(network: nn.Module) -> Tensor:
    """Eight segments of 1.6 seconds, as smooth random mel energies -> their embeddings."""
    noise = torch.randn(8, 40, 160, generator=torch.Generator().manual_seed(0))
    smooth = nn.functional.avg_pool1d(noise, 9, stride=1, padding=4)
    return network((6 * smooth - 5).exp().transpose(1, 2))


def tagger() -> nn.Module:
    from arabic_morph_segmenter import ArabicMorphSegmenter

    segmenter = ArabicMorphSegmenter()
    segmenter.model.letters = segmenter.char2id
    return segmenter.model


def tags(network: nn.Module) -> Tensor:
    """The words of `ARABIC` in one batch -> the scores of each letter's tags; the best tags are computed too."""
    words = [torch.tensor([network.letters[letter] for letter in word]) for word in ARABIC.split()]
    ids = nn.utils.rnn.pad_sequence(words, batch_first=True)
    scores = []
    hook = network.classifier.register_forward_hook(lambda module, inputs, output: scores.append(output))
    network(ids, mask=ids != 0)
    hook.remove()
    return scores[0]


def speller() -> nn.Module:
    from g2p_fa import G2P_Fa

    return G2P_Fa().model.eval()


def sounds(network: nn.Module) -> Tensor:
    """The words of `PERSIAN`, one at a time as in their package -> the scores of each sound."""
    from g2p_fa.utils import IPA2tensor, word2tensor

    words = [word2tensor(word)[:, None] for word in PERSIAN.split()]
    return torch.cat([network(word, IPA2tensor("")[:, None], 0) for word in words], 1)


FOREIGN = {
    "speaker encoder": Foreign("resemblyzer", ["lstm"], speaker_encoder, voices),
    "tagger of letters": Foreign("arabic_morph_segmenter", ["lstm"], tagger, tags),
    "spelling to sound": Foreign("g2p_fa", ["encoder.rnn", "decoder.rnn"], speller, sounds),
}


def pair(foreign: Foreign) -> tuple[nn.Module, nn.Module]:
    """The network as its authors made it, and accelerated."""
    network = foreign.load()
    accelerated = copy.deepcopy(network)
    elman.accelerate(accelerated)
    return network, accelerated


def learn(foreign: Foreign, network: nn.Module) -> Tensor:
    """An answer and its gradients -> the answer."""
    network.zero_grad()
    answer = foreign.answer(network)
    (answer * torch.linspace(-1, 1, answer.numel()).view_as(answer)).sum().backward()
    return answer.detach()


def differences(foreign: Foreign, before: nn.Module, after: nn.Module) -> tuple[float, float]:
    """The largest difference of the outputs; and of the gradients, relative to the largest gradient."""
    answers = [learn(foreign, network) for network in (before, after)]
    pairs = [
        (p.grad, q.grad) for p, q in zip(before.parameters(), after.parameters(), strict=True) if p.grad is not None
    ]
    largest = max(float(p.abs().max()) for p, _ in pairs)
    return float((answers[0] - answers[1]).abs().max()), max(float((p - q).abs().max()) for p, q in pairs) / largest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each line of the table")
    options = parser.parse_args()
    print(f"{describe('')[0]}, {options.threads} threads, milliseconds")
    print(f"{'':20}{'':8}{'before':>10}{'after':>10}{'before / after':>16}{'difference':>14}")
    for name, foreign in FOREIGN.items():
        if find_spec(foreign.package) is None:
            print(f"{name:20}left out: {foreign.package} is not installed")
            continue
        networks = pair(foreign)
        for what, difference in zip(("answer", "learn"), differences(foreign, *networks), strict=True):
            run = torch.no_grad()(foreign.answer) if what == "answer" else lambda network, f=foreign: learn(f, network)
            contenders = {
                side: Prepared(lambda run=run, network=network: run(network), None)
                for side, network in zip(("before", "after"), networks, strict=True)
            }
            blocks = interleaved(contenders, options.threads, options.rounds, options.seconds)
            before, after = (figure(blocks[side]).microseconds / 1000 for side in ("before", "after"))
            print(f"{name:20}{what:8}{before:10.2f}{after:10.2f}{before / after:16.2f}{difference:14.1e}")


if __name__ == "__main__":
    main()
