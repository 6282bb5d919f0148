"""A network together with the normalisation of its input, so that a stored model cannot be fed the wrong way."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from core.models import registry
from core.models.registry import Normalisation

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Classifier(nn.Module):
    """Grey images float32 [batch, 1, S, S] in 0…1 → logits [batch, classes].

    `mean` and `std` are buffers and are stored with the weights: [1, channels, 1, 1], or [1, 1, S, S] for a mean image.
    """

    def __init__(self, network: nn.Module, channels: int, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        self.network = network
        self.channels = channels
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network((x.expand(-1, self.channels, -1, -1) - self.mean) / self.std)

    def layer(self, path: str) -> nn.Module:
        """The module at `path` inside the network, as `Architecture.cam_layer` names it."""
        return self.network.get_submodule(path)


def create(model: str, classes: int, image_size: int, normalisation: Normalisation) -> Classifier:
    """A fresh classifier; "train" and "train-mean-image" start neutral until `fit_normalisation` was called."""
    architecture = registry.get(model)
    if normalisation == "imagenet":
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        if architecture.channels == 1:
            mean, std = mean.mean(dim=1, keepdim=True), std.mean(dim=1, keepdim=True)
    else:
        side = image_size if normalisation == "train-mean-image" else 1
        mean, std = torch.zeros(1, 1, side, side), torch.ones(1, 1, 1, 1)
    return Classifier(registry.build(model, classes, image_size), architecture.channels, mean, std)


@torch.no_grad()
def fit_normalisation(classifier: Classifier, normalisation: Normalisation, batches: Iterable[torch.Tensor]) -> None:
    """Set mean and deviation from the training images, float32 [batch, 1, S, S] in 0…1 each. "imagenet" stays as it is.

    "train-mean-image" subtracts the mean image and scales by nothing, which is the "zero-center" of Al-Asfoor & Abed 2020, §4.1.
    """
    if normalisation == "imagenet":
        return
    count, total, squares = 0, 0.0, 0.0
    for batch in batches:
        batch = batch.double()
        count += len(batch)
        total = total + batch.sum(dim=0)
        squares = squares + batch.square().mean(dim=(1, 2, 3)).sum()
    mean_image = total / count
    if normalisation == "train-mean-image":
        classifier.mean.copy_(mean_image.unsqueeze(0))
        return
    mean = mean_image.mean()
    classifier.mean.fill_(mean.item())
    classifier.std.fill_((squares / count - mean**2).clamp_min(1e-12).sqrt().item())
