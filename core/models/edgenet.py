"""The project's own small network: it counts the directions of edges first, then looks at the counts with a residual network.

Some hundred images are too few to learn good first filters from. Histograms of oriented gradients (Dalal & Triggs, CVPR 2005) need no
learning; how they are formed here is fixed, and only what follows is trained. docs/benchmark.md says how it was designed.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

CELL = 16  # pixels: the side of the square in which edges are counted
DIRECTIONS = 8  # of a full turn, so that bright-to-dark and dark-to-bright are told apart
ANGLES = tuple(number * 2 * math.pi / DIRECTIONS for number in range(DIRECTIONS))  # from dark to bright, clockwise from the right
NARROW = 0.5  # cosine of 60°: an edge counts for directions that are nearer to its own
WIDTH = 32  # maps of the first convolutions; twice as many at the end
GRID = 3  # the classifier sees the means of so many by so many parts of the last maps
_FLAT = 1e-8  # under the root, for the slope of a magnitude of zero
_FAINT = 1e-4  # of contrast, below which a cell counts as empty


class EdgeCounts(nn.Module):
    """Images float32 [batch, 1, S, S] → float32 [batch, 9, S // 16, S // 16]: eight directions as shares, and how strong edges are.

    A pixel's gradient (Sobel) counts for a direction by its length and its nearness in angle. The mean over a cell is divided by the length
    of the eight means, averaged over the cell and its neighbours, so that a picture's contrast cancels out; the ninth map is that
    divisor's logarithm. Nothing here is trained. It is no convolution, since bf16 would round away the weakest edges.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, (1, 1, 1, 1), mode="replicate")
        rows, columns = _smoothed(x, dim=2), _smoothed(x, dim=3)
        across, down = rows[..., 2:] - rows[..., :-2], columns[:, :, 2:] - columns[:, :, :-2]
        apart = NARROW * (across.square() + down.square() + _FLAT).sqrt()
        # One direction after the other and in place: all at once, in as many passes over large maps, took six times as long.
        directed = (across.mul(math.cos(angle)).add_(down, alpha=math.sin(angle)).sub_(apart).relu_() for angle in ANGLES)
        counts = torch.cat([F.avg_pool2d(one, CELL) for one in directed], dim=1)
        around = F.avg_pool2d(counts.square().sum(dim=1, keepdim=True), 3, stride=1, padding=1, count_include_pad=False)
        contrast = around.sqrt() + _FAINT
        return torch.cat([counts / contrast, contrast.log()], dim=1)


def _smoothed(x: torch.Tensor, dim: int) -> torch.Tensor:
    """Sobel's 1-2-1 along `dim`, which is two shorter afterwards, and an eighth for both derivatives."""
    side = x.shape[dim] - 2
    return (x.narrow(dim, 0, side) + 2 * x.narrow(dim, 1, side) + x.narrow(dim, 2, side)) / 8


class Residual(nn.Module):
    """Two convolutions 3×3 beside a shortcut; with a stride of 2 the maps are halved, rounded up."""

    def __init__(self, width: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(width, filters, 3, stride=stride, padding=1, bias=False)
        self.norm_1 = nn.BatchNorm2d(filters)
        self.conv_2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(filters)
        self.shortcut: nn.Module = nn.Identity()
        if (width, stride) != (filters, 1):
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(width, filters, 1, bias=False), nn.BatchNorm2d(filters)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm_1(self.conv_1(x)))
        return F.relu(self.shortcut(x) + self.norm_2(self.conv_2(y)))


class EdgeNet(nn.Module):
    """One channel; 80,981 values to train for 3 classes. Paths of its blocks: `block_1`, `block_2`.

    Counts of edges (batch normalised) and mean greys of the same cells each go through a convolution 3×3, and the two are added; then batch
    normalisation, ReLU, average pooling 2×2 and two residual blocks of 32 and 64 filters. The last maps are pooled to 3×3, so that the
    classifier, dropout and one linear layer, knows where in the chest it looks: lungs stand in nearly the same place in every image.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.greys = nn.Conv2d(1, WIDTH, 3, padding=1, bias=False)
        self.counts = EdgeCounts()
        self.count_norm = nn.BatchNorm2d(DIRECTIONS + 1)
        self.edges = nn.Conv2d(DIRECTIONS + 1, WIDTH, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.block_1 = Residual(WIDTH, WIDTH, stride=1)
        self.block_2 = Residual(WIDTH, 2 * WIDTH, stride=2)
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), nn.Dropout(0.5), nn.Linear(2 * WIDTH * GRID**2, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.forward_features(x))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Images → the last block's maps, float [batch, 64, h, w]; 6×6 at 384."""
        edges = self.edges(self.count_norm(self.counts(x)))
        x = F.relu(self.norm(self.greys(F.avg_pool2d(x, CELL)) + edges))
        return self.block_2(self.block_1(F.avg_pool2d(x, 2)))


def edgenet(classes: int, image_size: int) -> EdgeNet:  # noqa: ARG001  it pools to 3×3 and takes any size
    """The network for `classes`."""
    return EdgeNet(classes)
