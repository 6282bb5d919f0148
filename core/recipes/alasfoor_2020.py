"""Al-Asfoor & Abed 2020: an own 22-layer CNN and AlexNet, three classes. Settings: Tables 1 and 2, section 5.1.

Expected: 95.8 % (own CNN), 95.00 % (AlexNet). Run: python -m core train --recipe alasfoor-2020 --data DATA
"""

from __future__ import annotations

from core.recipes.entry import BY_PATIENT, EVERY_EPOCH, OTHER_WEIGHTS, PRETRAINED, SPLIT_ASSUMED, UNCHANGED, VALIDATION, Entry, Paper

PAPER = Paper(
    key="alasfoor-2020",
    authors="Muntasir Al-Asfoor, Mohammed Hamzah Abed",
    year=2020,
    title="Deep Learning Approach for COVID-19 Diagnosis Using X-Ray Images",
    data="Chest X-Ray Images (Pneumonia) and Cohen's collection: COVID-19 123, Normal 1,585, Pneumonia 4,275. "
    "Contrast equalised adaptively. The test part has 1,068 images; how it was drawn is not stated.",
    did="They trained a 22-layer network of their own, first on 123 images of each class, then on all, and judged it by a confusion "
    "matrix. They compared it with a pretrained AlexNet on the same images.",
    cautions=(
        "The published “accuracy” of each class (95.7, 93.1 and 96.7 %) is precision. Of those who have it, 88.0, 91.0 and 97.7 % were "
        "found: three of 25 COVID-19 images were missed.",
        "Only 25 test images are COVID-19: one of them moves its figures by 4 points.",
        "73 % of the test images are Pneumonia, so 73 % is had by always saying so.",
        "The test part has 268 Normal and 775 Pneumonia images, a fifth of 1,341 and 3,875 and not of the 1,585 and 4,275 that are named.",
        "The last validation accuracy is the test accuracy, 95.8 %: one part seems to have served as both.",
        "Normal and Pneumonia are of children, COVID-19 is of adults from another source: source and age betray the class.",
    ),
)

_CHANGES = {
    "image.equalise": "clahe",
    "augmentation": UNCHANGED,
    "optimiser": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule": {"name": "step", "drop_every": 5, "drop_factor": 0.2},
    "epochs": 20,
    "batch_size": 64,
    "keep": "last",
}
_ASSUMED = (
    "Weight decay 0.0001, the default of the toolbox used.",
    "Adaptive histogram equalisation is CLAHE with a clip limit of 2 on 8×8 tiles.",
    SPLIT_ASSUMED,
    "The weights after the last epoch are judged.",
)
_DEVIATIONS = (VALIDATION, BY_PATIENT, EVERY_EPOCH)

ENTRIES = (
    Entry(
        name="alasfoor-2020",
        title="22-layer CNN as in Al-Asfoor & Abed 2020",
        model="alasfoor-cnn22",
        paper=PAPER.key,
        table="Table 5",
        row="Proposed CNN",
        changes={**_CHANGES, "image.normalisation": "train-mean-image"},
        assumptions=(
            "Convolutions are padded to keep their size.",
            "One input channel.",
            "“224×244” is read as 224×224, as the input layer has it.",
            *_ASSUMED,
        ),
        deviations=(*_DEVIATIONS, "The first training on 123 images of each class is left out."),
    ),
    Entry(
        name="alasfoor-2020-alexnet",
        title="AlexNet as in Al-Asfoor & Abed 2020",
        model="alexnet",
        paper=PAPER.key,
        table="Table 5",
        row="AlexNet",
        changes={**_CHANGES, **PRETRAINED},
        assumptions=(
            "Trained as the own CNN was (Table 2), all layers: the paper states no settings for AlexNet.",
            "227×227 px, the network's own size.",
            *_ASSUMED,
        ),
        deviations=(*_DEVIATIONS, OTHER_WEIGHTS),
    ),
)
