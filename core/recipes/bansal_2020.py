"""Bansal & Sridhar 2020: six frozen pretrained networks under a small new head, COVID-19 against normal. Settings: section 3.

Expected: 97 % (VGG16, VGG19, ResNet50V2), on some thirty images. Run: python -m core train --recipe bansal-2020-vgg16 --data DATA
"""

from __future__ import annotations

from typing import Any

from core.data.vocabulary import COVID, NORMAL
from core.recipes.entry import BY_PATIENT, EVERY_EPOCH, OTHER_WEIGHTS, PRETRAINED, SPLIT_ASSUMED, UNCHANGED, VALIDATION, Entry, Paper

PAPER = Paper(
    key="bansal-2020",
    authors="Nidhi Bansal, S. Sridhar",
    year=2020,
    title="Classification of X-ray Images for Detecting COVID-19 Using Deep Transfer Learning",
    data="Kaggle covid19-detection-xray-dataset: all 70 COVID-19 images and 80 of the 930 normal ones. "
    "80 % for training, 20 % for testing.",
    did="They froze six networks trained on ImageNet, put average pooling and two dense layers on each and trained these alone. "
    "They compared accuracy, sensitivity and specificity for COVID-19 against normal.",
    cautions=(
        "The test part is about 30 images, 14 of them COVID-19: one image moves accuracy by 3 points and sensitivity by 7. "
        "No two of the six networks can be told apart by it.",
        "The figures do not fit the 14 + 16 images that 20 % of 70 + 80 would be: 91 % and 94 % accuracy are no number of 30. "
        "All of them fit 14 + 18.",
        "The same 20 % is called validation and test.",
        "80 of 930 normal images were picked, and it is not said how.",
        "Optimiser, rate, batch size and epochs are not stated, so the recipe's are ours.",
    ),
)

_CHANGES = {
    **PRETRAINED,
    "subset": {"labels": (COVID, NORMAL), "caps": {COVID: 70, NORMAL: 80}},
    "augmentation": {**UNCHANGED, "rotation": 15.0},
    "head": {"kind": "pooled", "hidden": 64},
    "frozen": True,
    "frozen_views": 8,
    "optimiser": {"name": "adam", "lr": 0.001, "weight_decay": 0.0},
    "schedule.name": "constant",
    "epochs": 25,
    "batch_size": 8,
    "keep": "last",
}

STORED_VIEWS = (
    "Each training image is turned 8 times by up to 15°, once and for all, and the epochs take the 8 views in turn; the paper turns "
    "it anew in every epoch. The frozen network then runs once a view, not once an epoch. With frozen_views=0 it is as in the paper."
)


def _entry(name: str, title: str, row: str, model: str, **sized: Any) -> Entry:
    return Entry(
        name=f"bansal-2020-{name}",
        title=f"{title}, frozen, as in Bansal & Sridhar 2020",
        model=model,
        paper=PAPER.key,
        table="Table 1",
        row=row,
        changes={**_CHANGES, **sized},
        assumptions=(
            "64 units in the dense layer.",
            "Adam with a constant rate of 0.001, batches of 8, 25 epochs, no weight decay.",
            SPLIT_ASSUMED,
            "The 80 normal images are drawn at random.",
            "The weights after the last epoch are judged.",
        ),
        deviations=(VALIDATION, BY_PATIENT, OTHER_WEIGHTS, EVERY_EPOCH, STORED_VIEWS),
    )


_224 = {"image.size": 224}
ENTRIES = (
    _entry("vgg16", "VGG16", "VGG16", "vgg16"),
    _entry("vgg19", "VGG19", "VGG19", "vgg19"),
    _entry("resnet50v2", "ResNet50 v2", "ResNet50V2", "resnet50v2"),
    _entry("inception-v3", "Inception v3", "InceptionV3", "inception_v3", **_224),
    _entry("xception", "Xception", "Xception", "xception", **_224),
    _entry("nasnetalarge", "NASNet-A Large", "NASNetLarge", "nasnetalarge", **_224),
)
