"""A network together with the normalisation of its input, so that a stored model cannot be fed the wrong way."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from core.models import grey_stem, registry
from core.models.heads import HeadAlone, Headed
from core.models.registry import IMAGENET_MEAN, IMAGENET_STD, OWN_HEAD, Head, Normalisation

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Classifier", "Head", "create", "fit_normalisation"]


class Classifier(nn.Module):
    """Grey images float32 [batch, 1, S, S] in 0…1 → logits [batch, classes].

    `mean` and `std` are buffers and are stored with the weights: [1, channels, 1, 1], or [1, 1, S, S] for a mean image.
    """

    def __init__(self, network: nn.Module, channels: int, mean: torch.Tensor, std: torch.Tensor, own_head: tuple[str, ...] = ()) -> None:
        """`own_head`: the children of a bare network that make up its classifier, as `Architecture.head` names them."""
        super().__init__()
        grey_stem.give(network)
        self.network = network
        self.channels = channels
        self.own_head = own_head
        self.frozen = False
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(((x - self.mean) / self.std).expand(-1, self.channels, -1, -1))

    @property
    def head(self) -> tuple[str, ...]:
        """Paths, inside `network`, of all that stands after the convolutional trunk."""
        return ("head",) if isinstance(self.network, Headed) else self.own_head

    def layer(self, path: str) -> nn.Module:
        """The module at `path` inside the architecture, as `Architecture.cam_layer` names it, whatever head stands on it."""
        return (self.network.trunk if isinstance(self.network, Headed) else self.network).get_submodule(path)

    def freeze(self) -> None:
        """Train nothing but the head from now on: all that comes after the convolutional trunk (of AlexNet and VGG all three fully
        connected layers). The trunk takes no gradients and stays in eval mode whatever `train` says, so that neither its weights nor
        its batch statistics change.
        """
        self.frozen = True
        self.requires_grad_(False)
        for path in self.head:
            self.network.get_submodule(path).requires_grad_(True)
        self.train(self.training)

    def head_alone(self) -> HeadAlone:
        """The layers of the head without the trunk, and without the global pooling that a pooled head begins with."""
        return HeadAlone(self, self._head_layers())

    @torch.no_grad()
    def features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What enters `head_alone` when the network sees `x`, [batch, …], and the logits that come of it."""
        entered: list[torch.Tensor] = []
        # A copy, since the layer may work in place on what it gets.
        handle = self._head_layers()[0].register_forward_pre_hook(lambda _layer, given: entered.append(given[0].clone()))
        try:
            logits = self(x)
        finally:
            handle.remove()
        return entered[0], logits

    def _head_layers(self) -> list[nn.Module]:
        if isinstance(self.network, Headed):
            return list(self.network.head)[1:]
        if isinstance(self.network, nn.Sequential):  # what stands between the layers of the head, such as a flattening, is needed too
            names = [name for name, _ in self.network.named_children()]
            return list(self.network)[names.index(self.own_head[0]) :]
        return [self.network.get_submodule(path) for path in self.own_head]

    def train(self, mode: bool = True) -> Classifier:
        super().train(mode)
        if self.frozen:
            self.network.eval()
            for path in self.head:
                self.network.get_submodule(path).train(mode)
        return self


def create(model: str, classes: int, image_size: int, normalisation: Normalisation, head: Head = OWN_HEAD) -> Classifier:
    """A fresh classifier; "train" and "train-mean-image" start neutral until `fit_normalisation` was called.

    "imagenet" is what the architecture's own ImageNet weights expect; on one channel the mean of the three.
    """
    architecture = registry.get(model)
    if normalisation == "imagenet":
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (architecture.mean, architecture.std))
        if architecture.channels == 1:
            mean, std = mean.mean(dim=1, keepdim=True), std.mean(dim=1, keepdim=True)
    else:
        side = image_size if normalisation == "train-mean-image" else 1
        mean, std = torch.zeros(1, 1, side, side), torch.ones(1, 1, 1, 1)
    network = registry.build(model, classes, image_size, head)
    return Classifier(network, architecture.channels, mean, std, architecture.head)


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
