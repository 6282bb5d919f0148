"""Benbakreti, Said, Benbakreti & Özkaya 2022: an own CNN against pretrained networks, four classes. Settings: sections 3 and 5.

Expected: 75.61 % (own CNN, 1 epoch) to 94.1 % (ResNet-18). Run: python -m core train --recipe benbakreti-2022-resnet18 --data DATA
"""

from __future__ import annotations

from core.recipes.entry import BY_PATIENT, OTHER_WEIGHTS, PRETRAINED, SPLIT_ASSUMED, UNCHANGED, VALIDATION, Entry, Paper

PAPER = Paper(
    key="benbakreti-2022",
    authors="Benbakreti Samir, Said Mwanahija, Benbakreti Soumia, Umut Özkaya",
    year=2022,
    title="Deep Learning For Classification Of Chest X-Ray Images (Covid 19)",
    data="COVID-19 Radiography Database, 21,165 images: COVID-19 3,616, Normal 10,192, Lung Opacity 6,012, Viral Pneumonia 1,345. "
    "80 % for training, 20 % for testing.",
    did="They trained a six-convolution network of their own for one and for five epochs, and fine-tuned AlexNet, GoogleNet and "
    "ResNet-18 for one epoch each. They compared accuracy and time on one GPU; ResNet-18 was the most accurate, AlexNet the fastest.",
    cautions=(
        "Accuracy alone is published in words; nearly half of the images are Normal, so 48 % is had by always saying so.",
        "Two parts are named, so the fifth that was measured every 20 iterations seems to be the test part.",
        "The database joins many sources, and patients are not named: images of one patient may stand in training and test.",
        "“GoogleNet (Inception v3)” names two networks; its input of 299 px is Inception v3's.",
        "The augmentation is described for ResNet-18, in the words of the AlexNet paper, which also names dropout that ResNet-18 lacks.",
        "One run each: differences of a percentage point or two between networks may be chance.",
    ),
)

_TRAINING = {
    "optimiser": {"name": "sgd", "lr": 0.001, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule.name": "constant",
    "batch_size": 64,
    "keep": "last",
}
_ASSUMED = (
    "SGD with momentum 0.9 and weight decay 0.0001, the defaults of the toolbox used; the rate stays constant.",
    SPLIT_ASSUMED,
    "The weights after the last epoch are judged.",
)
_DEVIATIONS = (VALIDATION, BY_PATIENT, "Validation is measured at the end of each epoch, not every 20 iterations.")


def _own(name: str, row: str, epochs: int) -> Entry:
    return Entry(
        name=f"benbakreti-2022-cnn-{name}",
        title=f"Own CNN, {row}, as in Benbakreti et al. 2022",
        model="benbakreti-cnn",
        paper=PAPER.key,
        table="Table 2",
        row=row,
        changes={**_TRAINING, "image.normalisation": "train-mean-image", "augmentation": UNCHANGED, "epochs": epochs},
        assumptions=(
            *_ASSUMED,
            "Table 1 is read as filters 32, 64, 128, 256, 512, 1024 with kernels 8, 3, 5, 5, 5, 5, padded to keep the size.",
            "One input channel; the mean image of the training part is subtracted, the toolbox's default.",
            "No augmentation: the paper describes it for ResNet-18.",
        ),
        deviations=_DEVIATIONS,
    )


def _pretrained(name: str, title: str, row: str, model: str, crop: float) -> Entry:
    """`crop`: see `core.data.batches.Augmentation`; patches are cut from the database's 299 px."""
    augmentation = {**UNCHANGED, "flip": True, "brightness": 0.1, "crop": crop}
    return Entry(
        name=f"benbakreti-2022-{name}",
        title=f"{title} as in Benbakreti et al. 2022",
        model=model,
        paper=PAPER.key,
        table="Table 3",
        row=row,
        changes={**_TRAINING, **PRETRAINED, "augmentation": augmentation, "epochs": 1},
        assumptions=(
            *_ASSUMED,
            "All layers are trained, with the rate of the own CNN (“the same hyper parameters”).",
            "Patches of the input's size are cut from the database's 299×299 px; the intensity changes by up to 0.1 of the range.",
            "What is described for ResNet-18 holds for every pretrained network.",
            *(("“GoogleNet (Inception v3)” is Inception v3 at 299 px.",) if model == "inception_v3" else ()),
        ),
        deviations=(*_DEVIATIONS, OTHER_WEIGHTS, "Images are grey: intensity is changed alike in all three channels."),
    )


ENTRIES = (
    _own("1-epoch", "1 epoch", 1),
    _own("5-epochs", "5 epochs", 5),
    _pretrained("alexnet", "AlexNet", "AlexNet", "alexnet", 299 / 227 - 1),
    _pretrained("inception-v3", "GoogleNet (Inception v3)", "GoogleNet", "inception_v3", 0.0),
    _pretrained("resnet18", "ResNet-18", "ResNet18", "resnet18", 299 / 224 - 1),
)
