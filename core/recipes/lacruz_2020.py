"""Lacruz Sisamón & Lorenzo Vidarte 2020: six pretrained networks, three classes. Settings: section 3; results: Table 2.

Two forms: as published, COVID-19 is multiplied before the split; clean, only its training images are drawn six times as often.
Expected as published: 97.37 % (Xception). Run: python -m core train --recipe lacruz-2020-xception --data DATA
"""

from __future__ import annotations

from core.data.vocabulary import COVID
from core.recipes.entry import BY_PATIENT, OTHER_WEIGHTS, PRETRAINED, SPLIT_ASSUMED, UNCHANGED, Entry, Paper

PAPER = Paper(
    key="lacruz-2020",
    authors="Francisco Lacruz Sisamón, Raul Lorenzo Vidarte",
    year=2020,
    title="Analysis of Deep Learning Models for COVID-19 Diagnosis from X-Ray Chest Images",
    data="COVID-19 Radiography Database, first release, 2,905 images: COVID-19 219 (made 1,314 by copies), Normal 1,341, "
    "Viral Pneumonia 1,345. 80 % for training and validation, 20 % for testing.",
    did="They multiplied the COVID-19 images by augmentation, put a dense layer on six pretrained networks and trained all layers for "
    "20 epochs. They compared loss and accuracy on all three parts, and drew class activation maps for the best, Xception.",
    cautions=(
        "The copies of each COVID-19 image were made before the split: the test part has 263 COVID-19 images, which cannot be had from "
        "219 otherwise, and every published test accuracy is a whole number of 800 = 263 + 268 + 269 images. Copies of one X-ray stand "
        "in training and test.",
        "COVID-19 images alone were augmented: noise, turned corners and mirrored hearts mark the class, in the test part too.",
        "The abstract gives Xception 97.34 %, Table 2 and the conclusion 97.37 %.",
        "Table 1 without augmentation does not add up: 152 + 44 COVID-19 images are 196, not 219. The conclusion says 229.",
        "The text multiplies COVID-19 “by five”; Table 1 has six times as many.",
        "Settings were tuned for each network, and it is not said on which part.",
        "Normal and viral pneumonia are of children, COVID-19 is of adults from other sources: size and source betray the class.",
    ),
)

_TIMES = 6  # 1,314 images of 219
_AUGMENTATION = {**UNCHANGED, "rotation": 15.0, "zoom": 0.1, "crop": 0.1, "noise": 0.02, "flip": True, "only": (COVID,)}
_CHANGES = {
    **PRETRAINED,
    "copies.of": {COVID: _TIMES},
    "image.size": 128,
    "augmentation": _AUGMENTATION,
    "head": {"kind": "pooled", "hidden": 512, "batch_norm": True, "dropout": 0.5},
    "optimiser": {"name": "sgd", "lr": 0.003, "momentum": 0.9, "weight_decay": 0.0},
    "schedule.name": "constant",
    "epochs": 20,
}
_ASSUMED = (
    "ImageNet weights to start from.",
    "Dropout 0.5; global average pooling before the head.",
    "A fifth of the rest is the validation part: not stated, but every published figure is a whole number of 2,560, 640 and 800 images.",
    SPLIT_ASSUMED,
    "Rotation to 15°, noise of 0.02, crop and rescaling of 10 %, left-right flips: the kinds are stated, not their sizes.",
    "The rate stays constant, and there is no weight decay.",
)
_NETWORKS = (
    ("vgg16", "VGG16", "VGG16", "vgg16"),
    ("xception", "Xception", "Xception", "xception"),
    ("resnet50", "ResNet-50", "ResNet-50", "resnet50"),
    ("resnet101", "ResNet-101", "ResNet-101", "resnet101"),
    ("inception-resnet-v2", "Inception-ResNet v2", "InceptionResNetV2", "inception_resnet_v2"),
    ("densenet201", "DenseNet-201", "DenseNet201", "densenet201"),
)


def _clean(name: str, title: str, row: str, model: str) -> Entry:
    return Entry(
        name=f"lacruz-2020-{name}",
        title=f"{title} as in Lacruz & Lorenzo 2020, copies in the training part only",
        model=model,
        paper=PAPER.key,
        table="Table 2",
        row=row,
        changes={**_CHANGES, "augmentation": {**_AUGMENTATION, "probability": (_TIMES - 1) / _TIMES}},  # one of the six is the image itself
        assumptions=_ASSUMED,
        deviations=(
            "COVID-19 is multiplied in the training part only: no copy stands in the test part. Copies are drawn anew in each epoch; "
            "one in six is the image as it is, by chance.",
            BY_PATIENT,
            OTHER_WEIGHTS,
        ),
    )


def _as_published(name: str, title: str, row: str, model: str) -> Entry:
    return Entry(
        name=f"lacruz-2020-{name}-as-published",
        title=f"{title} as published by Lacruz & Lorenzo 2020, copies before the split",
        model=model,
        paper=PAPER.key,
        table="Table 2",
        row=row,
        changes={**_CHANGES, "copies.before_split": True},
        assumptions=_ASSUMED,
        deviations=(OTHER_WEIGHTS, "The fixed copies are drawn by this engine's augmentation, not by the library that the paper used."),
    )


ENTRIES = tuple(form(*network) for network in _NETWORKS for form in (_clean, _as_published))
