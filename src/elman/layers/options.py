"""The options of recurrent layers: keys, types and defaults, for layers, decoders and topologies alike."""

from typing import Annotated, TypedDict

# Each key is Annotated[type, default]; see `elman.checks.option_table`.


class StackOptions(TypedDict, total=False):
    """What every stack of recurrent layers takes.

    Keys:
        locked: one dropout mask between layers for all steps of a row (Gal & Ghahramani 2016, arXiv 1512.05287),
            instead of one for each step; for more than one layer.
        recurrent_dropout: below 1, the fraction of the hidden state that weight_hh does not see, one mask for all steps
            of a row (Gal & Ghahramani 2016). What a cell carries over without these weights, the cell state of an LSTM
            and the part of the old state that a GRU keeps, is not dropped. Slower: only the reference can run it.
        weight_drop: below 1, the fraction of the entries of weight_hh that is set to zero, one mask for all rows and
            steps (Merity, Keskar & Socher 2017, arXiv 1708.02182). Costs no speed.
        zoneout: below 1, the probability that an entry of the state, an LSTM's cell state too, keeps its value from the
            step before (Krueger et al. 2016, arXiv 1606.01305). In evaluation it does nothing, where the paper takes
            the expectation, zoneout * old + (1 - zoneout) * new; and it is one rate for all of the state, where the
            paper has two for an LSTM. Slower: only the reference can run it.
        backend: "auto" takes the fastest code that is exact for the request; or one of `elman.layers.BACKENDS`.
        memory: "full" keeps every step for the backward pass; "low" keeps the states at about sqrt(T) borders and
            computes the steps between them again: the same gradients with less memory and about a third more time, see
            `layers.low_memory`.

    Dropout, weight drop and zoneout act in training only. Masks come from torch's generator, new ones for each layer,
    direction and forward call; a mask for all steps holds for the whole call, and `reset` does not renew it.
    """

    locked: Annotated[bool, False]
    recurrent_dropout: Annotated[float, 0.0]
    weight_drop: Annotated[float, 0.0]
    zoneout: Annotated[float, 0.0]
    backend: Annotated[str, "auto"]
    memory: Annotated[str, "full"]


class RecurrentOptions(StackOptions, total=False):
    """What every recurrent layer takes beside its sizes, those of `StackOptions` included.

    Keys:
        bias: without it the b terms are left out.
        bidirectional: a second cell in each layer reads each row from its true end; outputs are joined to 2H.
        dropout: below 1, the fraction of the outputs between two layers that is set to zero in training.
        initial_state: what a sequence begins with where no state is given: "zero"; "random", drawn from
            N(0, 0.1^2) in training and zero in evaluation, so that answers never depend on chance (Zimmermann et al.
            2012); "learned", a parameter for each layer and direction.
        bptt: in training, the gradient ends at multiples of this number of steps, at least 1, over which the state is
            carried: truncated backpropagation through time, see `layers.truncated`; None: it reaches the first step.
            Not when bidirectional: a backward cell reads every row from its end, so that no state is carried on, and
            memory="low" saves the memory without cutting any gradient.
    """

    bias: Annotated[bool, True]
    bidirectional: Annotated[bool, False]
    dropout: Annotated[float, 0.0]
    initial_state: Annotated[str, "zero"]
    bptt: Annotated[int | None, None]
