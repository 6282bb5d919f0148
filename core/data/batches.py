"""Batches on the device: gather, augment, scale. Every image gets its own draw; the draw depends on (seed, epoch, step) alone.

Augmentation is one affine resampling (rotation, zoom, shift, flip) and one change of exposure a batch, on the device. On a processor the
images are gathered from the memory map; on a GPU from the device's own memory where the set fits, else a thread makes pinned batches ready.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from core.data.prefetch import ahead

RESIDENT_SHARE = 0.5  # of a device's free memory that images may take
_UPLOADED = 256  # images copied to the device at a time


@dataclass(frozen=True)
class Augmentation:
    """Largest changes; the draw is uniform up to them. All zero: no augmentation."""

    rotation: float = 0.0  # degrees, either way
    zoom: float = 0.0  # share of the size, in or out
    shift: float = 0.0  # share of the size, each axis, either way
    flip: bool = False  # left-right, half of the images; a flipped chest has its heart on the wrong side
    brightness: float = 0.0  # of the full range, added
    contrast: float = 0.0  # share, multiplied around the image's own mean
    crop: float = 0.0  # share by which the image is enlarged before a random part of the input's size is cut out
    noise: float = 0.0  # standard deviation of normal noise, of the full range
    probability: float = 1.0  # that an image is changed at all
    only: tuple[int, ...] = ()  # class indices whose images are changed; empty: all


@dataclass(frozen=True)
class Feed:
    """The images of one part: `images` uint8 [all, S, S] (a memory map is fine), `labels` int64 [all], `rows` those that belong.

    `resident`: the same images on the device, from `resident_on`; None: batches are copied there.
    """

    images: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    batch_size: int
    device: torch.device
    resident: torch.Tensor | None = None
    smallest: int = 2  # images that a last training batch has, else it is left out

    def __len__(self) -> int:
        return len(self.rows)

    def steps(self) -> int:
        """Batches a training epoch."""
        return steps(len(self), self.batch_size, self.smallest)

    def in_order(self, first: int = 0, every: int = 1) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Every image once, as stored: x float32 [batch, 1, S, S] in 0…1, y int64 [batch]. Of the batches, each `every`th from `first`."""
        starts = range(first * self.batch_size, len(self), every * self.batch_size)
        yield from self._gathered(self.rows[start : start + self.batch_size] for start in starts)

    def shuffled(self, augmentation: Augmentation, seed: int, epoch: int, start: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch of training batches; shapes as `in_order`. The first `start` are left out without being read or drawn.

        (seed, epoch) decide the order, (seed, epoch, step) the draws of a step, so that a batch is the same whatever came before it.
        """
        order = self.rows[order_of(len(self), seed, epoch).numpy()]
        draws = torch.Generator(self.device)  # on a GPU there: a copy of noise from the processor would take longer than the step
        only = torch.tensor(augmentation.only, device=self.device)
        chunks = (order[step * self.batch_size : (step + 1) * self.batch_size] for step in range(start, self.steps()))
        for step, (x, y) in enumerate(self._gathered(chunks), start=start + 1):
            changed = augment(x, augmentation, draws.manual_seed(stream(seed, epoch, step)))
            if augmentation.only:
                changed = torch.where(torch.isin(y, only).view(-1, 1, 1, 1), changed, x)
            yield changed, y

    def _gathered(self, chunks: Iterable[np.ndarray]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The images and labels of each of `chunks` (row numbers), on the device."""
        if self.resident is not None:
            labels = torch.from_numpy(self.labels).to(self.device)
            for rows in chunks:
                index = torch.from_numpy(rows).to(self.device, non_blocking=True)
                yield to_unit(self.resident.index_select(0, index)), labels.index_select(0, index)
            return
        pinned = self.device.type == "cuda"
        made = (self._on_host(rows, pinned) for rows in chunks)
        for x, y in ahead(made) if pinned else made:
            yield to_unit(x.to(self.device, non_blocking=True)), y.to(self.device, non_blocking=True)

    def _on_host(self, rows: np.ndarray, pinned: bool) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = torch.from_numpy(np.ascontiguousarray(self.images[rows])), torch.from_numpy(self.labels[rows])
        return (x.pin_memory(), y.pin_memory()) if pinned else (x, y)


def resident_on(device: torch.device, images: np.ndarray, free: int) -> torch.Tensor | None:
    """`images` uint8 [all, S, S] copied to `device`, or None where they would take more than `RESIDENT_SHARE` of its `free` bytes."""
    if images.nbytes > RESIDENT_SHARE * free:
        return None
    result = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(images), _UPLOADED):  # piece by piece: the memory map is never whole in the machine's memory
        result[start : start + _UPLOADED] = torch.from_numpy(np.array(images[start : start + _UPLOADED]))
    return result


def steps(images: int, batch_size: int, smallest: int = 2) -> int:
    """Batches in an epoch of `images`: a last one of less than `smallest` is left out, since batch normalisation cannot use it."""
    full, rest = divmod(images, batch_size)
    return full + (rest >= smallest or (rest > 0 and full == 0))


def to_unit(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 [batch, S, S] → float32 [batch, 1, S, S] in 0…1: the form in which every model here takes its input."""
    return pixels.unsqueeze(1).float().div_(255)


def order_of(images: int, seed: int, epoch: int) -> torch.Tensor:
    """The order in which an epoch takes its images. int64 [images]"""
    return torch.randperm(images, generator=torch.Generator().manual_seed(stream(seed, epoch)))


def stream(*parts: int) -> int:
    """A generator's seed for what `parts` name, as (seed, epoch, step), so that going on anywhere needs no stored generator's state.

    Parts count from 1: a zero at the end makes no difference.
    """
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def augment(x: torch.Tensor, change: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """`x` float32 [batch, 1, S, S] in 0…1 → the same shape and range, changed image by image.

    `generator` lives on the processor, or where `x` does.
    """
    if change == Augmentation():
        return x
    stored, batch, device = x, x.shape[0], generator.device

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(batch, generator=generator, device=device) * 2 - 1) * limit

    matrices = affine(
        angle=uniform(math.radians(change.rotation)),
        scale=(1 + uniform(change.zoom)) * (1 + change.crop),
        shift=torch.stack([uniform(change.shift + change.crop / 2), uniform(change.shift + change.crop / 2)], dim=1),
        flip=(torch.rand(batch, generator=generator, device=device) < 0.5) & change.flip,
    )
    gain, offset = 1 + uniform(change.contrast), uniform(change.brightness)
    if change.rotation or change.zoom or change.shift or change.crop or change.flip:
        x = F.grid_sample(x, grid(matrices.to(x.device), x.shape[-1]), mode="bilinear", padding_mode="zeros", align_corners=False)
    if change.contrast or change.brightness:
        gain, offset = (value.to(x.device).view(-1, 1, 1, 1) for value in (gain, offset))
        x = (x * gain).add_(x.mean(dim=(1, 2, 3), keepdim=True) * (1 - gain) + offset)
    if change.noise:
        x = x + change.noise * torch.randn(x.shape, generator=generator, device=device).to(x.device)
    x = x.clamp(0, 1)
    if change.probability < 1:  # drawn last, so that it moves no other draw
        changed = (torch.rand(batch, generator=generator, device=device) < change.probability).to(x.device)
        x = torch.where(changed.view(-1, 1, 1, 1), x, stored)
    return x


def with_fixed_copies(images: np.ndarray, rows: np.ndarray, change: Augmentation, seed: int) -> np.ndarray:
    """A copy of `images` in which `rows` are changed, each once and for all. uint8 [all, S, S]"""
    result = np.array(images)
    generator = torch.Generator().manual_seed(stream(seed, 0))
    for row in rows:
        x = augment(to_unit(torch.from_numpy(result[row : row + 1])), change, generator)
        result[row] = (x[0, 0] * 255).round().byte().numpy()
    return result


def affine(angle: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Output → input maps for `grid`, float32 [batch, 2, 3].

    Args:
        angle: radians, counter-clockwise as seen. [batch]
        scale: > 1 enlarges. [batch]
        shift: to the right and down, as a share of the size. [batch, 2]
        flip: left-right, before all else. [batch]
    """
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    linear = torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)
    turned = (linear * shift.unsqueeze(1)).sum(dim=2, keepdim=True)
    offset = -2 * turned  # the grid runs from -1 to 1, so a share of the size counts twice
    mirror = torch.where(flip, -1.0, 1.0).view(-1, 1, 1)
    matrices = torch.cat([linear, offset], dim=2)
    return torch.cat([matrices[:, :1] * mirror, matrices[:, 1:]], dim=1)


def grid(matrices: torch.Tensor, size: int) -> torch.Tensor:
    """Where in the input every pixel of the output comes from, for `grid_sample`. `matrices`: of `affine`. float32 [batch, size, size, 2]

    What `F.affine_grid` returns, without its matrix product: on two cores that took three times as long as the resampling itself, which
    it slowed down on top; and on a GPU its factors may be rounded to TF32.
    """
    centres = ((2 * torch.arange(size, device=matrices.device) + 1) / size - 1).view(1, -1, 1)
    across, down, start = matrices.unsqueeze(1).unbind(dim=3)
    columns, rows = centres * across + start, centres * down
    # x and y as one complex number: their sums are made in whole vectors.
    return torch.view_as_real(torch.view_as_complex(columns).unsqueeze(1) + torch.view_as_complex(rows).unsqueeze(2))
