"""The healthy chest of the synthetic phantom: one patient's body, drawn as seen from the front.

Everything here is geometry made up to resemble a frontal chest radiograph; no patient's image went into it, and it knows nothing of
disease (see `phantom_lesions`) or of exposure (see `phantom`).

Body coordinates: x runs to the viewer's right (the patient's left), y down, both from -1 to 1 over an untransformed picture. A `Frame`
maps them to pixels. Brightness is in arbitrary units: 0 is air outside the body, about 0.65 soft tissue, above that bone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import affine_transform, gaussian_filter

AIR = 0.46  # brightness that a full depth of aerated lung takes away from soft tissue


@dataclass(frozen=True)
class Frame:
    """How the body lies in the picture: scale, rotation (radians) and shift (body units), sampled at `size` × `size` pixels."""

    size: int
    scale: float = 1.0
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Body coordinates (x, y) of every pixel centre, each float32 [size, size]."""
        line = ((np.arange(self.size, dtype=np.float32) + 0.5) / self.size * 2 - 1) / self.scale
        across, down = line[None, :] - self.shift[0], line[:, None] - self.shift[1]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return cos * across + sin * down, cos * down - sin * across

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Pixel positions [n, 2] of body points [n, 2], both (x, y): the inverse of `grid`."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = points @ np.array([[cos, sin], [-sin, cos]])
        return ((turned + self.shift) * self.scale + 1) / 2 * self.size

    def texture(self, rng: np.random.Generator, grain: float) -> np.ndarray:
        """Smooth noise fixed to the body, float32 [size, size], mean about 0 and deviation about 1; `grain` is its blob radius."""
        step = grain / 2  # two samples a radius: linear interpolation then shows no lattice
        count = int(np.ceil(3.2 / step))  # covers -1.6 … 1.6, more than any frame shows
        lattice = gaussian_filter(rng.standard_normal((count, count), dtype=np.float32), 1.6)
        lattice /= lattice.std()
        cos, sin, pixel = np.cos(self.angle), np.sin(self.angle), 2 / self.size / self.scale
        turn = np.array([[cos, -sin], [sin, cos]])  # (row, column) of the picture to (row, column) of the lattice
        corner = np.array([pixel / 2 - 1 / self.scale - self.shift[1], pixel / 2 - 1 / self.scale - self.shift[0]])
        offset = (turn @ corner + 1.6) / step
        return affine_transform(lattice, turn * pixel / step, offset, (self.size, self.size), order=1, mode="nearest")


@dataclass(frozen=True)
class Body:
    """What makes one patient's anatomy; lengths in body units."""

    width: float  # of the rib cage, half
    apex: float  # y of the lung apices
    base: float  # y of the costophrenic angles
    dome: float  # height of the diaphragm domes
    right_up: float  # how much the right dome stands above the left
    heart: float  # factor on the heart's radii
    heart_turn: float  # radians, of its long axis
    habitus: float  # soft tissue over the lungs, 0 lean … 1 heavy
    breast: float  # brightness of breast shadows, 0 for none
    shoulder: float  # y at which the shoulders begin
    spacing: float  # between neighbouring ribs
    rib_start: float
    rib_drop: float  # factor on how far ribs descend to the side
    rib_light: float
    clavicle: float  # rise of the clavicles to the side
    curve: float  # sideways bend of the spine
    vessels: float  # brightness of the pulmonary vessels
    haze: float  # unevenness of the healthy lung

    @classmethod
    def of(cls, rng: np.random.Generator) -> Body:
        """One patient at random."""
        u = rng.uniform
        return cls(
            width=u(0.64, 0.78), apex=u(-0.80, -0.68), base=u(0.42, 0.68), dome=u(0.12, 0.24), right_up=u(0.0, 0.07),
            heart=u(0.80, 1.15), heart_turn=u(0.3, 0.75), habitus=u(), breast=u(0.03, 0.10) if u() < 0.5 else 0.0,
            shoulder=u(-0.98, -0.84), spacing=u(0.135, 0.175), rib_start=u(-0.5, 0.5), rib_drop=u(0.75, 1.3),
            rib_light=u(0.045, 0.09), clavicle=u(-0.02, 0.16), curve=u(-0.03, 0.03), vessels=u(0.06, 0.14), haze=u(0.03, 0.09),
        )  # fmt: skip


@dataclass(frozen=True)
class Chest:
    """A drawn healthy chest. All arrays [size, size]."""

    image: np.ndarray  # float32 brightness
    air: np.ndarray  # float32, 0 … 1: depth of aerated lung in front of each pixel; what a full consolidation would fill
    lungs: np.ndarray  # bool: lung that is not hidden by heart, mediastinum or diaphragm
    vessels: np.ndarray  # float32, 0 … 1: pulmonary vessels, already part of the image
    lateral: np.ndarray  # float32: 0 at the mediastinum, 1 at the chest wall
    height: np.ndarray  # float32: 0 at the apex, 1 at the base
    right: np.ndarray  # bool: the patient's right, which is the viewer's left


def edge(distance: np.ndarray, width: float) -> np.ndarray:
    """A soft step: 0 where `distance` is below -`width`, 1 above `width`, smooth in between."""
    step = np.clip(distance * np.float32(0.5 / width) + np.float32(0.5), 0, 1)
    return step * step * (3 - 2 * step)


def draw_chest(body: Body, frame: Frame, rng: np.random.Generator) -> Chest:
    """The healthy chest of `body`; `rng` draws its vessels and the unevenness of its tissue."""
    x, y = frame.grid()
    x = x - body.curve * np.sin(3 * y)
    side, right = np.abs(x), x < 0
    heart = _heart(body, x, y)
    inside, lateral, height = _lung_fields(body, side, y, right)
    inside = np.minimum(inside, -heart)  # the heart hides the lung behind it
    lung = edge(inside, 0.018)
    air = lung * (np.float32(0.35) + np.float32(0.65) * np.sqrt(np.clip(inside / 0.22, 0, 1)))
    air *= 1 + body.haze * frame.texture(rng, 0.30)

    torso = _torso(body, side, y)
    tissue = 0.60 + 0.09 * edge(y - 0.45, 0.5) + 0.04 * body.habitus + 0.012 * frame.texture(rng, 0.12)
    tissue += 0.07 * edge(heart + 0.02, 0.10) + _breasts(body, side, y) * (0.35 + 0.65 * lung) + _mediastinum(side, y)
    cage = edge(lateral * -1 + 1.07, 0.05) * edge(height + 0.03, 0.05)
    bone = _ribs(body, side, y) * cage * (0.45 + 0.55 * lung) * (1 - 0.75 * edge(height - 1.0, 0.2)) + _clavicles(body, side, y)
    bone += _scapulae(body, side, y) * (1 - 0.6 * lung)
    image = torso * (tissue + bone) - (AIR - 0.08 * body.habitus) * air
    vessels = _vessels(frame, rng) * edge(inside, 0.05)
    image += body.vessels * vessels
    return Chest(image.astype(np.float32), air, lung > 0.5, vessels, lateral, height, right)


def _lung_fields(body: Body, side: np.ndarray, y: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance inside the lung (negative outside), then lateral and vertical position in it."""
    height = (y - body.apex) / (body.base - body.apex)
    taper = np.clip(1 - np.clip(1 - height, 0, 1) ** 2.3, 0, 1) ** 0.55  # 0 at the apex, 1 at the base
    middle = 0.42 * body.width
    outer = middle + (body.width - middle) * (0.92 * taper + 0.08 * height)
    inner = middle - (middle - 0.12) * np.minimum(taper * 1.15, 1)
    peak = body.base - body.dome - body.right_up * right.astype(np.float32)
    floor = peak + (body.base - peak) * (np.abs(side - 0.33) / (body.width - 0.33)) ** 2.1
    inside = np.minimum(np.minimum(outer - side, side - inner), floor - y)
    inside = np.minimum(inside, (y - body.apex) * 0.9)
    return inside, (side - inner) / np.maximum(outer - inner, 0.05), height


def _heart(body: Body, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance inside the heart and great vessels; negative outside."""
    cos, sin = math.cos(body.heart_turn), math.sin(body.heart_turn)
    across, down = x - 0.13 * body.heart, y - (body.base - body.dome - 0.13)
    along, over = cos * across + sin * down, cos * down - sin * across
    ventricles = (1 - np.hypot(along / (0.35 * body.heart), over / (0.26 * body.heart))) * 0.28
    atrium = (1 - np.hypot((x + 0.10) / (0.13 * body.heart), (y - body.base + body.dome + 0.14) / 0.24)) * 0.13
    arch = (1 - np.hypot((x - 0.10) / 0.11, (y + 0.27) / 0.10)) * 0.1
    trunk = (1 - np.hypot((x - 0.11) / 0.12, (y + 0.10) / 0.17)) * 0.12
    return np.maximum(np.maximum(ventricles, atrium), np.maximum(arch, trunk))


def _torso(body: Body, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 inside the body, 0 in the air beside and above the shoulders."""
    wall = body.width + 0.10 + 0.16 * body.habitus + 0.45 * edge(-0.30 - y, 0.55)
    shoulders = body.shoulder - 0.10 + 0.34 * np.clip((side - 0.10) / 0.8, 0, 2) ** 1.3
    neck = (0.30 - side) - 0.5 * np.clip(-0.9 - y, 0, 1)
    skin = np.minimum(wall - side, np.maximum(y - shoulders, neck))
    return edge(skin, 0.015) * (0.62 + 0.38 * np.sqrt(np.clip(skin / 0.25, 0, 1)))


def _breasts(body: Body, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Soft shadows over the lower lungs with a rounded lower border, which a lesion must not be confused with."""
    inside = 1 - np.hypot((side - 0.46) / 0.30, (y - body.base + 0.28) / 0.27)
    return body.breast * edge(inside, 0.16)


def _mediastinum(side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spine with its discs, and the dark trachea above the carina."""
    column = edge(0.085 - side, 0.025)
    discs = 0.5 + 0.5 * np.cos(y * np.float32(2 * np.pi / 0.135))
    trachea = edge(0.042 - side, 0.022) * edge(-0.22 - y, 0.06)
    return 0.04 * edge(0.16 - side, 0.08) + column * (0.04 + 0.035 * discs) - 0.13 * trachea


def _ribs(body: Body, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Posterior ribs fall to the side, anterior ribs fall to the middle: crossing families, each one periodic in its own height."""
    drop = body.rib_drop * (0.75 * (side - 0.22) ** 2 + 2.2 * np.clip(side - 0.50, 0, 1) ** 2)
    rise = body.rib_drop * (0.80 * np.clip(body.width - side, 0, 1) + 0.30)
    posterior = _bands(y - drop, body.spacing, body.rib_start, 0.024)
    anterior = _bands(y - rise, body.spacing * 1.12, body.rib_start + 0.3, 0.028) * edge(side - 0.33, 0.06)
    return body.rib_light * (posterior * edge(side - 0.07, 0.03) + 0.6 * anterior)


def _bands(height: np.ndarray, spacing: float, start: float, half: float) -> np.ndarray:
    """Stripes of half width `half`, brighter at their cortical edges."""
    phase = height / np.float32(spacing) + np.float32(start)
    away = np.abs(phase - np.round(phase)) * np.float32(spacing)
    return edge(half - away, 0.011) * (0.72 + 0.28 * np.clip(away / half, 0, 1) ** 2)


def _clavicles(body: Body, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    line = body.apex + 0.16 - body.clavicle * side / 0.7 - 0.035 * np.sin(side * 7)
    away = np.abs(y - line)
    shaft = edge(0.030 - away, 0.012) * (0.75 + 0.25 * np.clip(away / 0.03, 0, 1))
    return 0.13 * shaft * edge(side - 0.06, 0.02) * edge(0.78 - side, 0.03)


def _scapulae(body: Body, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Blades beside the upper rib cage."""
    medial = body.width + 0.02 - 0.10 * (y + 0.45)
    inside = np.minimum(side - medial, np.minimum(y - body.apex - 0.10, 0.10 - y + 0.6 * (0.9 - side)))
    return 0.09 * edge(inside, 0.02) * (1 - 0.4 * edge(inside - 0.04, 0.03))


def _vessels(frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Branching trees from both hila, 0 … 1: drawn twice as large and reduced, as lines have whole widths."""
    canvas = Image.new("L", (2 * frame.size, 2 * frame.size))
    pen = ImageDraw.Draw(canvas)
    trees = [_tree(np.array([sign * 0.17, -0.02 + 0.04 * (sign > 0)]), sign, rng) for sign in (-1.0, 1.0)]
    for generation in range(5, -1, -1):  # thin twigs first, so that the trunks lie over them
        width = max(1, round(0.024 * 0.78**generation * frame.size * frame.scale))
        light = int(235 * 0.76**generation)
        for starts, ends in (tree[generation] for tree in trees):
            lines = np.concatenate([frame.pixels(starts), frame.pixels(ends)], axis=1) * 2
            for line in lines.tolist():
                pen.line(line, fill=light, width=width)
    reduced = np.asarray(canvas.reduce(2), dtype=np.float32) / 255
    return gaussian_filter(reduced, 0.004 * frame.size)


def _tree(hilum: np.ndarray, sign: float, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Segments (starts, ends), each [n, 2], of six generations of branches that leave `hilum` for the side given by `sign`."""
    angles = np.linspace(-1.25, 1.45, 6) + rng.normal(0, 0.12, 6)  # from straight up to straight down, by way of the side
    starts = np.repeat(hilum[None], 6, axis=0)
    generations = []
    for generation in range(6):
        lengths = 0.135 * 0.88**generation * rng.uniform(0.7, 1.3, len(angles))
        ends = starts + lengths[:, None] * np.stack([sign * np.cos(angles), np.sin(angles)], axis=1)
        generations.append((starts, ends))
        starts = np.repeat(ends, 2, axis=0)
        fork = np.tile([-1.0, 1.0], len(angles)) * rng.uniform(0.1, 0.45, 2 * len(angles))
        angles = np.repeat(angles, 2) + fork
    return generations
