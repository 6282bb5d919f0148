"""Zhong 2020: a reduced VGG16 with multi-level pooling, trained from scratch at 80 px. Settings: sections 3.2 to 3.5, public code.

Expected: 87.3 %. Run: python -m core train --recipe zhong-2020 --data DATA
"""

from __future__ import annotations

from core.data.vocabulary import COVID, NORMAL, PNEUMONIA
from core.recipes.entry import BY_PATIENT, SPLIT_ASSUMED, UNCHANGED, VALIDATION, Entry, Paper

PAPER = Paper(
    key="zhong-2020",
    authors="Yi Zhong",
    year=2020,
    title="Using Deep Convolutional Neural Networks to Diagnose COVID-19 From Chest X-Ray Images",
    data="COVID-19-CXR-Dataset, joined from four public sets, 6,354 images. Training COVID-19 398, Normal 1,341, Pneumonia 3,875; "
    "test 100, 242 and 398.",
    did="He trained a smaller VGG16 that also pools after each group of convolutions, with class weights, label smoothing and a rate in "
    "three stages, for ten epochs. He reported metrics, a confusion matrix and mean probabilities with their intervals.",
    cautions=(
        "Precision and recall are micro averages over answers of at least 50 %, not of the classes: 98 of 100 COVID-19 images were "
        "answered right, and yet recall is .97.",
        "The third row of Table 3 counts COVID-19 images alone, so its precision says nothing about false alarms: 14 of 112 were.",
        "The test part was watched during training, and its shares of the classes are not those of the training part.",
        "Normal and Pneumonia are of children, COVID-19 is of adults from other sources: source and age betray the class.",
        "The text says average pooling, the figure of the network maximum; the recipe's network follows the figure.",
        "The formula for label smoothing gives the true class 1 − ε; the usual form, used here, gives it 1 − ε + ε/3.",
    ),
)

ENTRIES = (
    Entry(
        name="zhong-2020",
        title="Reduced VGG16 as in Zhong 2020",
        model="zhong-vgg",
        paper=PAPER.key,
        table="Table 3",
        row="Test",
        changes={
            "augmentation": {**UNCHANGED, "flip": True, "brightness": 0.1, "contrast": 0.2, "crop": 0.2},  # 96 px, cut to 80
            "loss": {"label_smoothing": 0.12, "class_weights": {COVID: 10.0, NORMAL: 3.0, PNEUMONIA: 1.0}},
            "optimiser": {"name": "adam", "lr": 4e-4, "weight_decay": 0.0},
            "schedule": {"name": "stages", "warmup_epochs": 1.0, "stages": ((3, 0.5), (6, 0.25))},
            "keep": "last",
        },
        assumptions=(
            "The warm-up, named in the text, takes one epoch; the rates and their stages are those of the author's public code.",
            "Class weights 10, 3 and 1 and label smoothing 0.12, as in the public code.",
            "Brightness changes by up to 0.1 of the range, contrast by up to 20 %.",
            "Pooled maps are reduced by their maximum, as in the figure.",
            SPLIT_ASSUMED,
            "The weights after the tenth epoch are judged.",
        ),
        deviations=(
            "The paper's own test part of 740 images is not kept: a fifth is drawn.",
            VALIDATION,
            BY_PATIENT,
            "Images are grey, so there is no saturation to change.",
            "Label smoothing shares ε among all classes; the text's formula leaves the true one out.",
        ),
    ),
)
