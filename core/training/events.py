"""What training tells while it goes on. Plain frozen data; tensors stay on the device until somebody reads them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StepDone:
    """After a training step. `loss` is a detached scalar on the device: reading it waits for the device."""

    epoch: int  # from 1
    step: int  # in the epoch, from 1
    steps: int  # in the epoch
    images: int
    loss: Tensor
    lr: float


@dataclass(frozen=True)
class BatchValidated:
    """While an epoch is validated: so many of the validation part's images are done."""

    epoch: int
    done: int
    images: int


@dataclass(frozen=True)
class Result:
    """Means over the images of one pass."""

    loss: float
    accuracy: float


@dataclass(frozen=True)
class EpochDone:
    """After training and validation of an epoch. The training result is the running one, measured while the weights moved."""

    epoch: int
    train: Result
    validation: Result
    lr: float  # at the last step
    best: bool  # whether these weights are now the ones kept


@dataclass(frozen=True)
class BatchSplit:
    """A batch did not fit into the device's memory: from now on it goes through the network in `pieces`, its gradients added up."""

    pieces: int


Event = StepDone | BatchValidated | EpochDone | BatchSplit
