"""fastai as its book has it: from_folder, aug_transforms, vision_learner; with `--frozen` its body is frozen, as `fine_tune` begins."""

from __future__ import annotations

import common
from fastai.vision.all import (
    CrossEntropyLossFlat,
    ImageDataLoaders,
    Learner,
    PILImage,
    PILImageBW,
    Resize,
    accuracy,
    aug_transforms,
    vision_learner,
)
from torchvision import models


def main() -> None:
    options = common.arguments()
    size = options.image_size
    dls = ImageDataLoaders.from_folder(
        options.data,
        train="train",
        valid="validation",
        item_tfms=Resize(size if options.still else round(size * common.RESIZED)),
        batch_tfms=[] if options.still else aug_transforms(size=size),
        bs=options.batch_size,
        num_workers=options.workers,
        img_cls=PILImageBW if options.channels == 1 else PILImage,
        device=options.device,
    )
    if options.channels == 1:
        learn = Learner(dls, common.network(options, dls.c), loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    else:
        learn = vision_learner(dls, getattr(models, options.model), pretrained=False, metrics=accuracy)
    if options.frozen:
        learn.freeze()
    with learn.no_bar(), learn.no_logging():
        learn.fit(options.epochs)


if __name__ == "__main__":
    main()
