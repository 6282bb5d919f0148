"""The tours, as data. That every page and every link in them is there is checked by a test that walks them."""

from __future__ import annotations

from core.teaching.tours import Step, Tour

TOURS = (
    Tour(
        name="first-network",
        title="Train your first network in two minutes",
        about="Start a training on synthetic chests, watch it learn, read its figure, and see where it looked.",
        minutes=5,
        steps=(
            Step(
                "Start the demonstration",
                "Press **Try it: two-minute demo**. Synthetic chest images are drawn, and a small network is trained on them in a process "
                "of its own, so you may close this page.",
                "The page of the new run opens by itself, and the tour goes on there.",
                page="",
            ),
            Step(
                "Watch it learn",
                "Each pass over the training images gives the curves a new point. The thin line is the training part, the thick one the "
                "validation part, which the network does not learn from.",
                "Does the loss still fall at the end? Do the two lines part? The star is the epoch whose weights are kept.",
                page="runs",
                needs="run",
                terms=("epoch", "loss", "overfitting"),
            ),
            Step(
                "Read the figure",
                "When training ends, the network is asked about the test part, which nothing has looked at before.",
                "The accuracy has an interval. Could the network be five points better or worse than it says?",
                page="runs",
                parameters={"view": "figures"},
                needs="tested",
                terms=("accuracy", "interval"),
            ),
            Step(
                "Look at its worst errors",
                "The images with the highest loss: the network was sure, and wrong. Switch on the heat maps above them.",
                "Would you have got them right? Do the errors have something in common?",
                page="runs",
                parameters={"view": "errors", "errors": "losses"},
                needs="tested",
                terms=("loss", "probability"),
            ),
            Step(
                "Give it something strange",
                "Upload any picture, a photograph from your telephone for instance.",
                "The answer is withheld. Show it anyway: the network names a disease all the same, since it knows nothing else to say.",
                page="predict",
                needs="tested",
                terms=("guard_rail", "probability"),
            ),
        ),
    ),
    Tour(
        name="shortcut",
        title="Why 97 % may mean nothing",
        about="Give one class away by a letter in the corner, train on it, and watch a perfect figure collapse.",
        minutes=8,
        steps=(
            Step(
                "Plant a marker",
                "Many published data sets have the patients of one class from another hospital, with other letters, borders or sizes. Here "
                "you plant such a mark yourself. Keep what is chosen, and press **Plant the marker**.",
                "Before and after: would you notice the letter if you did not know of it?",
                page="shortcut_lab",
                terms=("shortcut",),
            ),
            Step(
                "Train twice",
                "Press **Train both**: the same network on the same images, once with the marker and once without.",
                "Both take seconds. Which of the two will have the better accuracy?",
                page="shortcut_lab",
                terms=("epoch",),
            ),
            Step(
                "Unmask it",
                "Press **Unmask the network**: it is asked about the test images as planted, without the marker, and with the marker on "
                "the wrong class.",
                "The accuracy as planted is what a paper would print. What is left of it when the letter goes? Where does the heat map "
                "look?",
                page="shortcut_lab",
                terms=("shortcut", "heat_map"),
            ),
            Step(
                "Let blind classifiers try",
                "Simple classifiers that see no lungs are trained on the same images: on their size, their border, 16×16 pixels. Press "
                "**Probe for shortcuts**.",
                "Where a probe comes near a network, the network's figure needs no medicine.",
                page="explore",
                parameters={"data": "phantom", "view": "probes"},
                terms=("probe", "leakage"),
            ),
            Step(
                "Now read a published figure",
                "In this paper's data all images without COVID-19 have one size, and none with it has that size.",
                "Read its cautions. Width and height alone give nearly the published accuracy.",
                page="papers",
                parameters={"paper": "darkcovidnet-2020"},
                terms=("leakage", "shortcut"),
            ),
        ),
    ),
    Tour(
        name="confusion-matrix",
        title="Reading a confusion matrix",
        about="Rows, columns, diagonal: which errors a network makes, and the images behind each of them.",
        minutes=5,
        steps=(
            Step(
                "Find the matrix",
                "Below the curves: a row a true class, a column an answer. Counts in the cells, what follows from them in the margins.",
                "Add up one row: it is the number of test images of that class. Add up the diagonal: those are right.",
                page="runs",
                parameters={"view": "figures"},
                needs="tested",
                terms=("confusion_matrix", "accuracy"),
            ),
            Step(
                "Read it by rows",
                "The share of a row says what became of the images of one class. On the diagonal it is the class's sensitivity.",
                "Which class is found worst? What is it taken for?",
                page="runs",
                parameters={"view": "matrix", "cells": "row"},
                needs="tested",
                terms=("sensitivity",),
            ),
            Step(
                "Read it by columns",
                "The share of a column says what an answer is worth: of those called so, how many are.",
                "Is the class that is found best also the one whose answer you may trust most?",
                page="runs",
                parameters={"view": "matrix", "cells": "column"},
                needs="tested",
                terms=("precision", "prevalence"),
            ),
            Step(
                "See the images of a cell",
                "Click a cell off the diagonal that is not empty. Its images appear below, the most confident error first.",
                "Are these images hard for you as well, or did the network look at something else?",
                page="runs",
                parameters={"view": "matrix", "cells": "row"},
                needs="tested",
            ),
            Step(
                "Make your own matrix",
                "Now answer twenty images of this network's test part yourselves, and compare.",
                "Do you and the network fail on the same images?",
                page="guide",
                parameters={"part": "quiz"},
                needs="tested",
                terms=("mcnemar", "interval"),
            ),
        ),
    ),
    Tour(
        name="threshold",
        title="Threshold and prevalence",
        about="One network, many operating points; and why most alarms are false where a disease is rare.",
        minutes=6,
        steps=(
            Step(
                "All thresholds at once",
                "Each point of the ROC curve is one threshold: how many sick people are found, at the price of how many false alarms.",
                "Where on the curve would you work if a missed case were a disaster? Where if every alarm costs an operation?",
                page="runs",
                parameters={"view": "curves"},
                needs="tested",
                terms=("roc_auc", "threshold"),
            ),
            Step(
                "Move the threshold",
                "Under *What a threshold does*, choose a class and move **Call it at a probability of**.",
                "Sensitivity and specificity go opposite ways. No threshold raises both.",
                page="runs",
                parameters={"view": "curves"},
                needs="tested",
                terms=("sensitivity", "specificity"),
            ),
            Step(
                "Move the prevalence",
                "Leave the threshold, and move the prevalence from 50 % down to 1 %.",
                "Sensitivity and specificity stand still, the PPV falls: of ten alarms, how many are real at 1 %?",
                page="runs",
                parameters={"view": "curves"},
                needs="tested",
                terms=("prevalence", "precision"),
            ),
            Step(
                "Can the probability be believed?",
                "A threshold on a probability makes sense only if 80 % means 80 %. Here the two are compared.",
                "Do the points lie below the diagonal (too sure) or above it? What does one temperature mend?",
                page="runs",
                parameters={"view": "calibration"},
                needs="tested",
                terms=("calibration_error", "temperature"),
            ),
        ),
    ),
    Tour(
        name="heat-maps",
        title="What a heat map can and cannot tell",
        about="Methods that disagree, maps of a network that knows nothing, and a truth to measure them by.",
        minutes=8,
        steps=(
            Step(
                "One image, several methods",
                "Four methods explain the same answer of the same network.",
                "They do not agree. Which of them would you have shown in a talk, and why that one?",
                page="heat_maps",
                needs="tested",
                terms=("heat_map", "gradcam"),
            ),
            Step(
                "Ask for another class",
                "Choose a class under **Class** that the network did not answer. There is a map for it as well.",
                "A map for the wrong class looks as convincing. Compare the peaks that stand below: colours are scaled, peaks are not.",
                page="heat_maps",
                needs="tested",
                terms=("raw_magnitude",),
            ),
            Step(
                "Do the hot places matter?",
                "Below the pictures, under *Do the hot places matter?*, press **Deletion and insertion**: hot places are taken away first, "
                "and compared with random order.",
                "Does the probability fall faster than in random order? Could the holes themselves be the reason?",
                page="heat_maps",
                needs="tested",
                terms=("deletion",),
            ),
            Step(
                "Measure them by the truth",
                "On the synthetic phantom the lesion's place is known. At the end of the page, press **Measure**: the maps of each network "
                "are measured by it.",
                "How often does the hottest place lie in the lesion, and how often would it by chance?",
                page="heat_maps",
                needs="tested",
                terms=("pointing_game",),
            ),
            Step(
                "A network that knows nothing",
                "Upload an X-ray, open **Is this map to be trusted?**, and compare with a network of random weights.",
                "A map that stays the same shows the image and not what was learnt.",
                page="predict",
                needs="tested",
                terms=("randomisation",),
            ),
        ),
    ),
)
