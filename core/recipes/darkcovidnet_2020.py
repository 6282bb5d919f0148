"""Ozturk et al. 2020: DarkCovidNet, from scratch, three classes and two. A further reference, on public images.

Expected: 87.02 % (3 classes), 98.08 % (2). Run: python -m core train --recipe darkcovidnet-2020 --data DATA
"""

from __future__ import annotations

from dataclasses import replace

from core.data.vocabulary import COVID, NORMAL
from core.recipes.entry import BY_PATIENT, UNCHANGED, VALIDATION, Entry, Paper

PAPER = Paper(
    key="darkcovidnet-2020",
    authors="Tulin Ozturk et al.",
    year=2020,
    title="Automated detection of COVID-19 cases using deep neural networks with X-ray images",
    data="COVID-19 125, no findings 500, Pneumonia 500; COVID-19 from Cohen's collection, the others from NIH ChestX-ray8. "
    "Five random folds of 900 training and 225 test images.",
    did="They trained a small network after Darknet-19 from scratch, once for three classes and once for COVID-19 against no findings, "
    "and gave means of five folds.",
    cautions=(
        "Folds were drawn at random, image by image: images of one patient stand in training and test.",
        "COVID-19 comes from another source than the rest: width, height and aspect alone tell COVID-19 from the others in 99.8 %.",
        "A fold has about 25 COVID-19 images: one of them moves its figures by 4 points.",
        "The test fold was watched in every epoch.",
        "Of the five folds, one a task is kept as a matrix.",
    ),
    further=True,
)

_THREE = Entry(
    name="darkcovidnet-2020",
    title="DarkCovidNet as in Ozturk et al. 2020, three classes",
    model="darkcovidnet",
    paper=PAPER.key,
    table="Means of five folds",
    row="3 classes",
    changes={
        "augmentation": {**UNCHANGED, "rotation": 10.0, "zoom": 0.1, "flip": True, "brightness": 0.1, "contrast": 0.2},
        "optimiser.lr": 3e-3,
        "epochs": 100,
        "keep": "last",
    },
    assumptions=(
        "Weight decay 0.01.",
        "“Lighting 0.2” is a change of brightness by up to 0.1 of the range and of contrast by up to 20 %.",
        "Greys are scaled by mean and deviation of the training part.",
        "The weights after the last epoch are judged.",
    ),
    deviations=(
        VALIDATION,
        BY_PATIENT,
        "Adam's decay rates are 0.9 and 0.999, not 0.9 and 0.99.",
        "Images are not warped (0.2), and zoom also makes them smaller.",
        "One of the five folds is a run; the mean takes five runs.",
    ),
)

ENTRIES = (
    _THREE,
    replace(
        _THREE,
        name="darkcovidnet-2020-binary",
        title="DarkCovidNet as in Ozturk et al. 2020, COVID-19 against no findings",
        row="2 classes",
        changes={**_THREE.changes, "subset.labels": (COVID, NORMAL)},
    ),
)
