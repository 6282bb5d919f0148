"""A run's kept model → one ONNX file for other programs, checked against the original; and such a file, run here without torch.

The file takes an X-ray's greys and gives probabilities; the recipe's preparation and the model's normalisation are inside (see
`core.export.graph`). Two things stay outside. Reading: other software must turn a file into greys as `core.data.images.read` does.
And CLAHE, which ONNX does not have: the file of a recipe with CLAHE takes the prepared picture, and its metadata says so. Heat maps
need gradients, and so the original.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

import numpy as np

from core import wording
from core.errors import CoreError, InvalidSpec
from core.files import replacing

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn

    from core.inference import Predictor
    from core.runs.store import Run

OPSET = 18  # what most runtimes read
LIMIT = 1e-3  # largest difference of a probability from the original
CHECKED = 50  # phantoms, where no images are given
LARGEST = 2**31 - 2**20  # bytes of weights: one file of protocol buffers ends at 2 GiB

Input = Literal["image", "prepared"]
INPUTS: dict[Input, str] = {
    "image": "uint8 [batch, height, width]: greys of X-rays of one size, 0 is black, as read from the file; preparation is inside",
    "prepared": "uint8 [batch, {size}, {size}]: greys, 0 is black, already prepared (resize {resize}, equalise {equalise})",
}

_exporting = Lock()  # torch's exporter changes state that all threads share


@dataclass(frozen=True)
class Exported:
    """A file that was written, and how near it comes to the original."""

    path: Path
    input: Input  # what it takes: any image, or one that was prepared
    largest_difference: float  # of any probability, on the images compared
    compared_on: int  # images


def export(run: Run, path: Path, check_images: Sequence[np.ndarray] | None = None, *, prepared: bool = False) -> Exported:
    """Write `run`'s kept model to `path`, whole or not at all; it takes from seconds to minutes.

    In the file: input `image` (see `INPUTS`), output `probabilities` float32 [batch, classes], opset 18, and metadata: classes, recipe,
    run, input, largest difference.

    Args:
        check_images: X-rays as read, uint8 [height, width], best some that the run was not trained on; drawn phantoms where there are none.
        prepared: take prepared pictures alone, which answers faster; with CLAHE this is always so.

    Raises:
        UnusableRun: the run kept no model.
        CoreError: a package is missing; the model does not fit into one file; a probability differs by more than `LIMIT`.
    """
    _require("onnx", "onnxscript", "onnxruntime")
    import onnx

    from core.inference import Predictor

    predictor = Predictor(run)
    kind: Input = "prepared" if prepared or predictor.recipe.image.equalise != "none" else "image"
    given = [] if check_images is None else list(check_images)
    pictures = given or list(_phantoms())
    with replacing(path) as temporary:
        model = _converted(predictor, kind)
        onnx.helper.set_model_props(model, described := _description(run, predictor, kind))
        difference = _largest_difference(Session(model.SerializeToString()), predictor, pictures, kind)
        if not difference <= LIMIT:  # and so also where it is NaN
            raise CoreError(
                f"An exported model gives the same probabilities to within {LIMIT:g}.",
                f"{predictor.recipe.model}, {difference:.2g} apart on {wording.count(len(pictures), 'image')}",
                "No file was written. Export it for prepared pictures, or use the run itself.",
            )
        figures = {"largest_difference": f"{difference:.3g}", "compared_on": wording.count(len(pictures), "image" if given else "phantom")}
        onnx.helper.set_model_props(model, described | figures)
        onnx.save_model(model, temporary)
    return Exported(path, kind, difference, len(pictures))


class Session:
    """An exported model, ready to answer on the CPU. It needs onnxruntime alone, and may be shared between threads."""

    def __init__(self, source: Path | bytes, threads: int = 0) -> None:
        """Open a file of `export`, or its bytes. `threads` work on one call; 0: one a core.

        Raises:
            CoreError: onnxruntime is missing, or this is no such file.
        """
        _require("onnxruntime")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            content = source if isinstance(source, bytes) else str(source)
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            self.classes: tuple[str, ...] = tuple(json.loads(self.metadata["classes"]))
        except Exception as error:  # the runtime's own errors share no base class
            raise CoreError(
                "An exported model is an ONNX file that was written here.",
                f"{'some bytes' if isinstance(source, bytes) else source.name} ({type(error).__name__})",
                "Choose a file that an export wrote, or export the run again.",
            ) from error

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Images of one size, uint8 [batch, height, width] → float32 [batch, classes].

        Prepared pictures [batch, S, S] are taken by every file; any other size by those whose input is "image".

        Raises:
            InvalidSpec: another type or shape.
        """
        (wanted,) = self._session.get_inputs()
        fits = images.dtype == np.uint8 and images.ndim == 3 and 0 not in images.shape
        if not fits or any(isinstance(side, int) and side != got for side, got in zip(wanted.shape, images.shape, strict=True)):
            raise InvalidSpec(
                f"This model takes uint8 [{', '.join(map(str, wanted.shape))}].",
                f"{images.dtype} {list(images.shape)}",
                "Read and, where it says so, prepare the images first.",
            )
        return self._session.run(None, {wanted.name: images})[0]


def _require(*packages: str) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise CoreError(
            "ONNX files need packages that are installed on request.", f"no {' and no '.join(missing)}", f"pip install {' '.join(missing)}"
        )


def _converted(predictor: Predictor, kind: Input) -> ModelProto:
    from core.export.graph import Deployed

    weights = sum(value.numel() * value.element_size() for value in predictor.model.state_dict().values())
    if weights > LARGEST:
        raise CoreError("One ONNX file holds up to 2 GiB.", f"{weights / 2**30:.1f} GiB of weights", "Export a smaller network.")
    image = predictor.recipe.image
    module = Deployed(predictor.model, image.preparation if kind == "image" else None).eval()
    return _traced(module, image.size, any_size=kind == "image")


def _traced(module: nn.Module, size: int, any_size: bool) -> ModelProto:
    """The module as an ONNX graph, with a free batch size and, where `any_size`, free height and width."""
    import torch

    axes = ("batch", "height", "width") if any_size else ("batch",)
    height, width = (size + 3, size + 5) if any_size else (size, size)  # unequal, or the exporter takes them for one
    with _exporting, torch.no_grad():
        program = torch.onnx.export(
            module,
            (torch.zeros(2, height, width, dtype=torch.uint8),),
            input_names=["image"],
            output_names=["probabilities"],
            dynamic_shapes=({axis: torch.export.Dim(name) for axis, name in enumerate(axes)},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return program.model_proto


def _description(run: Run, predictor: Predictor, kind: Input) -> dict[str, str]:
    """What the file says of itself."""
    from core.report.record import shareable

    recipe, image = predictor.recipe, predictor.recipe.image
    cautions = (*recipe.cautions, *((wording.SYNTHETIC_NOTE,) if recipe.data.synthetic else ()))
    return {
        "notice": wording.MEDICAL_NOTE,
        "cautions": " ".join(cautions),
        "classes": json.dumps(recipe.data.classes, ensure_ascii=False),
        "input": INPUTS[kind].format(size=image.size, resize=image.resize, equalise=image.equalise),
        "output": "float32 [batch, classes]: softmax, as the network states it, not calibrated",
        "image_size": str(image.size),
        "run_id": run.id,
        "weights_epoch": str(run.weights_epoch()),
        "recipe_id": recipe.id,
        "recipe": shareable(recipe).to_json(),
    }


def _largest_difference(session: Session, predictor: Predictor, pictures: Sequence[np.ndarray], kind: Input) -> float:
    """The largest difference between the two on any probability of any picture, each taken the whole way; NaN where either is NaN."""
    from core.data.images import XRay

    found = []
    for pixels in pictures:
        answer = predictor.answer(XRay(pixels, "", "L", "", ()))
        given = pixels if kind == "image" else answer.prepared
        shares = session.probabilities(np.ascontiguousarray(given)[None])[0]
        found.append(np.abs(shares - np.array(list(answer.probabilities.values()))).max())
    return float(np.max(found))


def _phantoms() -> Iterator[np.ndarray]:
    """Drawn X-rays of several shapes."""
    from core.data import phantom

    rng = np.random.default_rng(0)
    for patient in range(CHECKED):
        image = phantom.draw(phantom.CLASSES[patient % len(phantom.CLASSES)], patient).image
        height, width = rng.integers(len(image) * 3 // 4, len(image) + 1, size=2)
        yield image[:height, :width]
