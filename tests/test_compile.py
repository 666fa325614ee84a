"""The layers beside the recurrent ones, which `test_unroll` has, compile too: the same numbers and gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter

import elman
from elman.decoding.distributions import Quantiles
from elman.layers import (
    ATTENTIONS,
    POOLS,
    AttentionPool,
    Bridge,
    ContextBridge,
    Decoder,
    PictureEncoder,
    TokenEmbedding,
)
from elman.layers.characters import CharacterEncoder
from elman.layers.crf import CRF
from elman.layers.ctc import ctc_loss
from elman.layers.distributions import Loss, QuantileLoss, gaussian_loss, student_t_loss
from elman.layers.normalize import normalization_of, normalized
from elman.layers.softmax import AdaptiveSoftmax, Projection, SampledSoftmax
from elman.layers.spec_augment import SpecAugment
from elman.layers.speech import LaplaceHead, PreNet, laplace_loss

B, T, S, D, H, V = 3, 5, 4, 6, 8, 40
LENGTHS, MEMORY_LENGTHS = torch.tensor([5, 2, 0]), torch.tensor([4, 1, 0])
IDS = torch.arange(B * T).reshape(B, T) % V

Call = Callable[[Tensor], Tensor]  # x (B, T, D) -> numbers


def attention(name: str) -> tuple[nn.Module, Call]:
    layer, memory = ATTENTIONS[name](D, H, 7), torch.randn(B, S, H)
    return layer, lambda x: layer(x, layer.remember(memory, MEMORY_LENGTHS))[0]


def decoder(name: str, input_feeding: bool, stepped: bool = False) -> tuple[nn.Module, Call]:
    size = 0 if name == "none" else H
    layer = Decoder(D, H, 2, cell="gru", memory_size=size, attention=name, input_feeding=input_feeding, dropout=0.2)
    memory = torch.randn(B, S, H) if size else None

    def call(x: Tensor) -> Tensor:
        state = layer.start(B, memory=memory, lengths=MEMORY_LENGTHS if size else None)
        return layer.step(x[:, 0], state)[0] if stepped else layer(x, state, LENGTHS)[0]

    return layer, call


def bridge() -> tuple[nn.Module, Call]:
    encoder = elman.LSTM(D, H, 2, bidirectional=True)
    layer = nn.ModuleList([encoder, Bridge(encoder, elman.LSTM(D, H, 1))])
    return layer, lambda x: layer[1](encoder(x, lengths=LENGTHS)[1]).cell


def context_bridge() -> tuple[nn.Module, Call]:
    layer = ContextBridge(D, elman.GRU(D, H, 2))
    return layer, lambda x: layer(x[:, 0]).hidden


def crf() -> tuple[nn.Module, Call]:
    layer, known = CRF(D), IDS % D
    return layer, lambda x: layer.log_likelihood(x, known, LENGTHS)


def head(layer: Projection | AdaptiveSoftmax) -> tuple[nn.Module, Call]:
    return layer, lambda x: layer.loss(x.flatten(0, 1), IDS.flatten())


def plain(layer: nn.Module) -> tuple[nn.Module, Call]:
    return layer, layer


def picture() -> tuple[nn.Module, Call]:
    layer = PictureEncoder(1, 8, 8, H, dropout=0.2)
    return layer, lambda x: layer(x.flatten()[:64].reshape(1, 1, 8, 8))


def distribution(loss: Loss, width: int) -> tuple[nn.Module, Call]:
    return nn.Identity(), lambda x: loss(x.flatten()[: 5 * width].reshape(5, 1, width), torch.zeros(5, 1))


CASES: dict[str, Callable[[], tuple[nn.Module, Call]]] = {
    **{f"attention {name}": lambda name=name: attention(name) for name in ATTENTIONS},
    **{f"decoder {name}": lambda name=name: decoder(name, False) for name in ("none", *ATTENTIONS)},
    **{f"decoder {name} input feeding": lambda name=name: decoder(name, True) for name in ATTENTIONS},
    "decoder step": lambda: decoder("dot", True, stepped=True),
    "bridge": bridge,
    "bridge of a context": context_bridge,
    "pool attention": lambda: (layer := AttentionPool(D), lambda x: layer(x, LENGTHS)),
    **{f"pool {name}": lambda pool=pool: (nn.Identity(), lambda x: pool(x, LENGTHS)) for name, pool in POOLS.items()},
    "embedding": lambda: (
        layer := TokenEmbedding(V, D, dropout=0.2, word_dropout=0.2, vector_dropout=0.2),
        lambda x: layer(IDS) + x,
    ),
    **{
        f"characters {kind}": lambda kind=kind: (
            layer := CharacterEncoder(V, 4, kind=kind, output=D),
            lambda x: layer(IDS[..., None] + torch.arange(3)) + x,
        )
        for kind in ("bilstm", "cnn")
    },
    "crf": crf,
    "ctc": lambda: (
        nn.Identity(),
        lambda x: ctc_loss(x.log_softmax(-1), LENGTHS, IDS[:, :2] % 5 + 1, torch.tensor([2, 1, 0])),
    ),
    "softmax": lambda: head(Projection(D, V)),
    "softmax sampled": lambda: head(SampledSoftmax(D, V, 10)),
    "softmax adaptive": lambda: head(AdaptiveSoftmax(D, V, [10, 20])),
    "picture": picture,
    "spectrum hidden": lambda: plain(SpecAugment(D, time_mask=2, frequency_mask=2)),
    "pre-net": lambda: plain(PreNet(D, H, 0.5)),
    "laplace": lambda: (
        layer := LaplaceHead(D, 2),
        lambda x: laplace_loss(layer(x.flatten(0, 1)), torch.zeros(B * T, 2)),
    ),
    "gaussian": lambda: distribution(gaussian_loss, 2),
    "student": lambda: distribution(student_t_loss, 3),
    "quantiles": lambda: distribution(QuantileLoss(Quantiles()), 9),
    **{
        f"normalized by {kind}": lambda kind=kind: (
            nn.Identity(),
            lambda x: normalized(normalization_of(kind, x[..., 0], LENGTHS), x[..., 0]),
        )
        for kind in ("last", "window", "seasonal-difference")
    },
}

# What stands in a batch decides what these do, such as how many words of it are distinct: several graphs each.
IN_PARTS = {"characters bilstm", "characters cnn", "crf", "ctc", "softmax adaptive"}


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's own, between two graphs
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", CASES)
def test_a_layer_compiles_and_gives_the_same(name, training):
    torch.manual_seed(0)
    layer, call = CASES[name]()
    layer.train(training)
    torch.compiler.reset()  # forget the cases before, or their number ends compilation
    graphs = CompileCounter()
    compiled = torch.compile(call, backend=graphs, fullgraph=name not in IN_PARTS)
    found = []
    for run in (call, compiled):
        torch.manual_seed(1)
        x = torch.randn(B, T, D).requires_grad_()
        numbers = run(x)
        wanted = [x, *layer.parameters()]
        gradients = (
            torch.autograd.grad(numbers.square().sum(), wanted, allow_unused=True) if numbers.requires_grad else []
        )
        found.append([numbers, *(gradient for gradient in gradients if gradient is not None)])
    torch.testing.assert_close(found[1], found[0], rtol=1e-5, atol=1e-5)
    assert graphs.frame_count >= 1
