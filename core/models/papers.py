"""The papers' own networks, layer by layer as their tables name them. They know nothing of data or training."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def alasfoor_cnn22(classes: int, image_size: int) -> nn.Sequential:
    """The 22-layer CNN of Al-Asfoor & Abed 2020, Table 1, logits instead of its softmax and class output layers.

    Four blocks of convolution 3×3 (8, 16, 32, 64 filters), batch normalisation, ReLU and max pooling 2×2; then dropout 0.5, fully
    connected, dropout 0.3, fully connected. Both fully connected layers are as wide as the class count (3 in the paper), with
    nothing in between but dropout, as the table has it. Padding "same" and one input channel are assumed; the paper states neither.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = 1
    for block, filters in enumerate((8, 16, 32, 64), start=1):
        layers[f"conv_{block}"] = nn.Conv2d(width, filters, kernel_size=3, padding="same")
        layers[f"batchnorm_{block}"] = nn.BatchNorm2d(filters, eps=1e-5)
        layers[f"relu_{block}"] = nn.ReLU()
        layers[f"maxpool_{block}"] = nn.MaxPool2d(2)
        width = filters
    layers["flatten"] = nn.Flatten()
    layers["dropout_1"] = nn.Dropout(0.5)
    layers["fc_1"] = nn.Linear(width * (image_size // 16) ** 2, classes)
    layers["dropout_2"] = nn.Dropout(0.3)
    layers["fc_2"] = nn.Linear(classes, classes)
    return nn.Sequential(layers)
