"""The papers' own networks, layer by layer as their tables name them. They know nothing of data or training.

Each has `forward_features`, its convolutional part, on which another head can stand (`core.models.heads`).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from core.models.narrow_norm import NarrowBatchNorm2d


class Chain(nn.Sequential):
    """Layers one after the other; `forward_features` runs those before the layer called `head`."""

    def __init__(self, layers: OrderedDict[str, nn.Module], head: str) -> None:
        super().__init__(layers)
        self.head_starts = list(layers).index(head)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Images → maps, float [batch, channels, h, w]."""
        for layer in list(self)[: self.head_starts]:
            x = layer(x)
        return x


def alasfoor_cnn22(classes: int, image_size: int) -> Chain:
    """The 22-layer CNN of Al-Asfoor & Abed 2020, Table 1, logits instead of its softmax and class output layers.

    Four blocks of convolution 3×3 (8, 16, 32, 64 filters), batch normalisation, ReLU and max pooling 2×2; then dropout 0.5, fully
    connected, dropout 0.3, fully connected. Both fully connected layers are as wide as the class count (3 in the paper), with
    nothing in between but dropout, as the table has it. Padding "same" and one input channel are assumed; the paper states neither.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = 1
    for block, filters in enumerate((8, 16, 32, 64), start=1):
        layers[f"conv_{block}"] = nn.Conv2d(width, filters, kernel_size=3, padding="same")
        layers[f"batchnorm_{block}"] = NarrowBatchNorm2d(filters, eps=1e-5)
        layers[f"relu_{block}"] = nn.ReLU()
        layers[f"maxpool_{block}"] = nn.MaxPool2d(2)
        width = filters
    layers["flatten"] = nn.Flatten()
    layers["dropout_1"] = nn.Dropout(0.5)
    layers["fc_1"] = nn.Linear(width * (image_size // 16) ** 2, classes)
    layers["dropout_2"] = nn.Dropout(0.3)
    layers["fc_2"] = nn.Linear(classes, classes)
    return Chain(layers, head="flatten")


def benbakreti_cnn(classes: int, image_size: int) -> Chain:
    """The six-convolution CNN of Benbakreti et al. 2022, Table 1.

    Six stages of convolution, ReLU and max pooling "3,2" (window 3, stride 2), then one fully connected layer. The table's
    "32*32*8, 64*64*3, 128*128*5, …" is read as filters 32 to 1024 with kernels 8, 3, 5, 5, 5, 5. That reading, padding "same", one
    input channel (the table's "299*299"), and Glorot's initial weights (the default of the toolbox used) are assumed.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width, side = 1, image_size
    for stage, (filters, kernel) in enumerate(((32, 8), (64, 3), (128, 5), (256, 5), (512, 5), (1024, 5)), start=1):
        if kernel % 2 == 0:  # the odd pixel at the right and at the bottom
            layers[f"pad_{stage}"] = nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2) * 2)
        layers[f"conv_{stage}"] = nn.Conv2d(width, filters, kernel, padding=kernel // 2 if kernel % 2 else 0)
        layers[f"relu_{stage}"] = nn.ReLU()
        layers[f"maxpool_{stage}"] = nn.MaxPool2d(3, stride=2)
        width, side = filters, (side - 3) // 2 + 1
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(width * max(side, 0) ** 2, classes)
    chain = Chain(layers, head="flatten")
    _glorot(chain)
    return chain


class ZhongVGG(nn.Module):
    """The reduced VGG16 with pooling at four levels of Zhong 2020, Figure 3. Paths of its groups: `groups.0` to `groups.3`."""

    def __init__(self, classes: int, image_size: int) -> None:
        super().__init__()
        width, groups, levels = 3, [], 0
        for filters, convolutions in ((32, 2), (64, 2), (128, 3), (128, 3)):
            layers: list[nn.Module] = []
            for _ in range(convolutions):
                layers += [nn.Conv2d(width, filters, kernel_size=3, padding="same"), nn.ELU()]
                width = filters
            groups.append(nn.Sequential(*layers))
            levels += filters
        self.groups = nn.ModuleList(groups)
        self.pool = nn.MaxPool2d(2)
        self.classifier = nn.Sequential(
            *(nn.Linear(levels + width * (image_size // 8) ** 2, 4096), nn.ELU(), nn.Dropout(0.5)),
            *(nn.Linear(4096, 2048), nn.ELU(), nn.Dropout(0.4)),
            nn.Linear(2048, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        last, maxima = self._levels(x)
        return self.classifier(torch.cat([*maxima, last.flatten(1)], dim=1))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Images → the last convolution's maps, float [batch, 128, S // 8, S // 8]."""
        return self._levels(x)[0]

    def _levels(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The last group's maps before their pooling, and the global maximum of each group's pooled maps."""
        maxima, maps = [], x
        for group in self.groups:
            maps = group(x)
            x = self.pool(maps)
            maxima.append(x.amax(dim=(2, 3)))
        return maps, maxima


def zhong_vgg(classes: int, image_size: int) -> ZhongVGG:
    """The network of Zhong 2020, Figure 3: 63,148,835 parameters for 3 classes at 80×80×3.

    Global maxima as in the figure (the text says averages). Glorot's initial weights are assumed, the default of the toolbox used.
    """
    network = ZhongVGG(classes, image_size)
    _glorot(network)
    return network


def darkcovidnet(classes: int, image_size: int) -> Chain:
    """DarkCovidNet (Ozturk et al. 2020): 1,167,586 parameters for 3 classes at 256×256×3.

    Convolutions without bias, each with batch normalisation and leaky ReLU 0.1: 8, pool, 16, pool, then four triples (3×3 to n, 1×1
    to n/2, 3×3 to n) of n = 32, 64, 128, 256 with a 2×2 max pool after each of the first three, then 1×1 to 128 and 3×3 to 256. The
    1×1 convolutions have padding 1, so that the maps grow: 13×13 at 256. Its classifier is a 3×3 convolution without bias to the
    class count, ReLU, batch normalisation and one linear layer on the flattened maps.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width, side, number = 3, image_size, 0
    # (filters, kernel), or None for a pooling
    triples = [((n, 3), (n // 2, 1), (n, 3)) for n in (32, 64, 128, 256)]
    plan = [(8, 3), None, (16, 3), None, *triples[0], None, *triples[1], None, *triples[2], None, *triples[3], (128, 1), (256, 3)]
    for step in plan:
        if step is None:
            layers[f"maxpool_{number}"] = nn.MaxPool2d(2)
            side //= 2
            continue
        filters, kernel = step
        number += 1
        layers[f"conv_{number}"] = nn.Conv2d(width, filters, kernel, padding=1, bias=False)
        layers[f"batchnorm_{number}"] = NarrowBatchNorm2d(filters)
        layers[f"leaky_{number}"] = nn.LeakyReLU(0.1)
        width, side = filters, side + (2 if kernel == 1 else 0)
    layers["conv_classes"] = nn.Conv2d(width, classes, kernel_size=3, padding=1, bias=False)
    layers["relu_classes"] = nn.ReLU()
    layers["batchnorm_classes"] = nn.BatchNorm2d(classes)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(classes * side**2, classes)
    return Chain(layers, head="conv_classes")


def _glorot(network: nn.Module) -> None:
    """Glorot & Bengio's uniform weights and zero biases, the default of Keras and of MATLAB."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
