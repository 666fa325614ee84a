"""The encoder of pictures: a small convolutional network that keeps positions."""

from torch import Tensor, nn

from elman.checks import check_fraction, check_range, check_shape
from elman.layers.dropout import drop_out

MAPS = (16, 32, 64)  # channels after each block
THIRD_FROM = 16  # pixels of the shorter side from which there is a third block


class PictureEncoder(nn.Module):
    """Two or three convolutional blocks and a linear map to one vector per picture:

        x_0 = picture
        x_k = max_pool(relu(conv_k(x_{k-1})))       k = 1, 2, and 3 where both sides have 16 pixels or more
        feature = relu(W flatten(x) + b)

    Each convolution is 3 x 3 with zero padding, to 16, 32, 64 channels; each pooling takes the maximum of 2 x 2 pixels,
    so that a side is halved, rounded up. There is no global pooling, which would lose positions. It is LeNet-5 (LeCun
    et al. 1998) with smaller convolutions, ReLU and max pooling.

    Args:
        channels: C, at least 1.
        height, width: pixels, at least 1.
        features: D, size of a picture's vector, at least 1.
        dropout: dropout rate of this vector, below 1.

    Shape: (B, C, height, width) -> (B, D).

    Raises:
        ArgumentError: a size below 1, a rate out of range, or a picture of another shape.

    Example:
        >>> PictureEncoder(1, 8, 40, 64)(torch.zeros(2, 1, 8, 40)).shape
        torch.Size([2, 64])
    """

    lr = 2e-3  # the default peak learning rate, for any topology

    def __init__(self, channels: int, height: int, width: int, features: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        for name, value in (("channels", channels), ("height", height), ("width", width), ("features", features)):
            check_range("PictureEncoder", name, value, low=1)
        check_fraction("PictureEncoder", "dropout", dropout)
        self.shape, self.output_size, self.dropout = (channels, height, width), features, dropout
        blocks: list[nn.Module] = []
        for maps in MAPS if min(height, width) >= THIRD_FROM else MAPS[:2]:
            blocks += [nn.Conv2d(channels, maps, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
            channels, height, width = maps, -(-height // 2), -(-width // 2)
        self.blocks = nn.Sequential(*blocks)
        self.join = nn.Linear(channels * height * width, features)

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = self.shape
        check_shape("PictureEncoder", "x", x.shape, "B C H W", C=channels, H=height, W=width)
        vectors = self.join(self.blocks(x).flatten(1)).relu()
        return drop_out(vectors, self.dropout, self.training)
