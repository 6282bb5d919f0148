"""Terms about results: what the figures of a test part mean, and how far they can be trusted."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from scipy.special import expit
from scipy.stats import binomtest, norm

from core import figures
from core.evaluation import calibration, operating
from core.evaluation.intervals import wilson
from core.teaching.entry import Term

SHARES = np.linspace(0.001, 0.999, 200)
RIGHT, TESTED, REPEATS = 0.87, 100, 100  # of the simulated test parts
SICK, HEALTHY = "sick", "healthy"


def _scores(apart: float = 2.0, images: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    """Whether each simulated image is of a sick person (bool), and its probability in [0, 1]. Both [2 × images]"""
    generator = np.random.default_rng(0)
    sick = np.repeat([True, False], images)
    return sick, expit(generator.normal(np.where(sick, apart / 2, -apart / 2)))


def _groups() -> go.Figure:
    sick, scores = _scores()
    return figures.groups({SICK: scores[sick], HEALTHY: scores[~sick]}, 0.5, "probability of being sick", "threshold")


def _threshold() -> go.Figure:
    sick, scores = _scores()
    grid = np.linspace(0, 1, 101)
    sensitivity, specificity = ((scores[chosen] >= grid[:, np.newaxis]).mean(axis=1) for chosen in (sick, ~sick))
    specificity = 1 - specificity
    values = np.transpose([operating.at_prevalence(*pair, 0.5) for pair in zip(sensitivity, specificity, strict=True)])
    return figures.threshold(grid, sensitivity, specificity, *values, 0.5)


def _roc() -> go.Figure:
    x, curves, areas = np.linspace(0, 1, 200), {}, {}
    for name, apart in (("weak", 0.5), ("good", 1.5), ("strong", 3.0)):
        curves[name] = (x, norm.cdf(norm.ppf(x) + apart))
        areas[name] = float(norm.cdf(apart / np.sqrt(2)))
    return figures.roc(curves, areas=areas)


def _precision_recall() -> go.Figure:
    cuts = np.linspace(-4, 6, 300)
    curves = {}
    for share in (0.5, 0.1):
        hits, alarms = norm.sf(cuts - 2) * share, norm.sf(cuts) * (1 - share)
        curves[f"{share:.0%} sick"] = (norm.sf(cuts - 2), hits / (hits + alarms))
    return figures.precision_recall(curves, prevalence={"50% sick": 0.5, "10% sick": 0.1})


def _trap() -> go.Figure:
    curves = {"accuracy": (SHARES, SHARES), "balanced accuracy": (SHARES, np.full(len(SHARES), 0.5))}
    return figures.lines(curves, "share of healthy people among the images", "value", "xy")


def _correlation() -> go.Figure:
    """Matthews correlation of a network with 90 % sensitivity and specificity, from its four cells at each prevalence."""
    hits, misses, alarms, passed = 0.9 * SHARES, 0.1 * SHARES, 0.1 * (1 - SHARES), 0.9 * (1 - SHARES)
    below = np.sqrt((hits + alarms) * (hits + misses) * (passed + alarms) * (passed + misses))
    curves = {"accuracy": (SHARES, hits + passed), "Matthews correlation": (SHARES, (hits * passed - alarms * misses) / below)}
    return figures.lines(curves, "share of sick people among the images", "value", "xy")


def _f1() -> go.Figure:
    curves = {"F1": (SHARES, 2 * SHARES * 0.9 / (SHARES + 0.9)), "plain mean": (SHARES, (SHARES + 0.9) / 2)}
    return figures.lines(curves, "precision", "value", "xy")


def _precision() -> go.Figure:
    curves = {}
    for specificity in (0.8, 0.9, 0.99):
        values = [operating.at_prevalence(0.9, specificity, share)[0] for share in SHARES]
        curves[f"specificity {specificity:.0%}"] = (SHARES, values)
    return figures.lines(curves, "prevalence", "precision", "xy")


def _intervals() -> go.Figure:
    right = np.random.default_rng(0).binomial(TESTED, RIGHT, REPEATS)
    found = [wilson(int(number), TESTED) for number in right]
    return figures.intervals([each.value for each in found], [each.low for each in found], [each.high for each in found], RIGHT)


def _seeds() -> go.Figure:
    """Networks that differ in truth by 2 points, each tested on 400 images."""
    generator = np.random.default_rng(1)
    right = generator.binomial(400, np.clip(generator.normal(RIGHT, 0.02, 12), 0, 1))
    found = [wilson(int(number), 400) for number in right]
    return figures.intervals([each.value for each in found], [each.low for each in found], [each.high for each in found], RIGHT)


def _confusion() -> go.Figure:
    return figures.confusion([[88, 12], [20, 80]], (HEALTHY, SICK))


def _reliability() -> go.Figure:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 1.2, 2_000)
    labels = (generator.random(2_000) < expit(logits)).astype(int)
    said = expit(2.5 * logits)
    found = calibration.reliability(labels, np.stack([1 - said, said], axis=1))
    return figures.reliability(found.confidence, found.accuracy, found.low, found.high, found.count, found.ece)


def _temperature() -> go.Figure:
    ahead = np.linspace(-6, 6, 200)
    curves = {f"temperature {value:g}": (ahead, expit(ahead / value)) for value in (0.5, 1, 2)}
    return figures.lines(curves, "how far the logit is ahead", "probability", "y")


def _mcnemar() -> go.Figure:
    wins = np.arange(10, 21)
    values = [binomtest(int(number), 20).pvalue for number in wins]
    return figures.lines({"p": (wins, values)}, "images won by one network, of 20", "p value")


ENTRIES = (
    Term(
        "accuracy",
        "Accuracy",
        "The share of images that got their own label. It hides which errors were made, and it is high for doing nothing where one class "
        "is common: where 97 of 100 people are healthy, “healthy” is right 97 times.",
        _trap,
        "By formula: a network that has learnt nothing and always says “healthy”.",
    ),
    Term(
        "balanced_accuracy",
        "Balanced accuracy",
        "The mean of the sensitivities of all classes, so that a rare class counts as much as a common one. A network that always gives "
        "the same answer gets one half with two classes, a quarter with four.",
        _trap,
        "By formula: a network that has learnt nothing and always says “healthy”.",
    ),
    Term(
        "interval",
        "95 % interval",
        "Other test images would have given another figure. Of the intervals computed so, about 95 in 100 hold the true value. It covers "
        "the draw of test images or patients alone: not another training, not another hospital.",
        _intervals,
        f"Simulated: {REPEATS} test parts of {TESTED} images, for a network that is right on {RIGHT:.0%} of all.",
    ),
    Term(
        "seed",
        "Seed",
        "The number that chance starts from: first weights, order of images, augmentation. Another seed gives another network, better or "
        "worse by a point or two; one run says little about a method.",
        _seeds,
        "Simulated: 12 trainings whose true accuracy spreads by 2 points around 87 %, each tested on 400 images.",
    ),
    Term(
        "confusion_matrix",
        "Confusion matrix",
        "A row a true class, a column an answer; the diagonal is right. A row's share is the sensitivity of its class, a column's the "
        "precision of its answer. Off the diagonal stands which class is taken for which.",
        _confusion,
        "Made-up counts of 100 healthy and 100 sick people.",
    ),
    Term(
        "sensitivity",
        "Sensitivity (recall)",
        "Of the people who have it, the share that is found. Missed ones are false negatives. It rises when the threshold is lowered, at "
        "the price of more false alarms.",
        _groups,
        "Simulated: sensitivity is the share of the sick to the right of the threshold.",
    ),
    Term(
        "specificity",
        "Specificity",
        "Of the people who do not have it, the share that is left in peace. The others are false alarms. It rises when the threshold is "
        "raised, at the price of more missed ones.",
        _groups,
        "Simulated: specificity is the share of the healthy to the left of the threshold.",
    ),
    Term(
        "precision",
        "Precision (PPV)",
        "Of those who are called sick, the share that is. It depends on how common the disease is: on a test part with as many sick as "
        "healthy people it looks far better than it will be in a clinic.",
        _precision,
        "By Bayes' formula, for a sensitivity of 90 % and three specificities.",
    ),
    Term(
        "f1",
        "F1",
        "The harmonic mean of precision and sensitivity: it is low as soon as one of the two is. It does not look at the healthy people "
        "who were left in peace.",
        _f1,
        "By its formula, beside the plain mean, for a sensitivity of 90 %.",
    ),
    Term(
        "mcc",
        "Matthews correlation",
        "The correlation of answer and truth, from all four cells of the matrix: 1 is perfect, 0 is no better than chance. It falls where "
        "accuracy stays, when one class is rare.",
        _correlation,
        "By its formula, for a network with 90 % sensitivity and specificity.",
    ),
    Term(
        "threshold",
        "Threshold",
        "The probability from which on a class is called. Where to put it is no question of computing but of what a missed case costs, "
        "and what a false alarm. It is chosen on the validation part: chosen on the test part it flatters.",
        _threshold,
        "Simulated: 1,000 sick and 1,000 healthy people.",
    ),
    Term(
        "roc_auc",
        "ROC and AUC",
        "The curve shows sensitivity against false alarms for every threshold. The area below it is the chance that a sick person gets a "
        "higher probability than a healthy one: 0.5 is guessing, 1 is perfect. It says nothing about the threshold in use.",
        _roc,
        "By formula: two bell curves that lie 0.5, 1.5 or 3 deviations apart.",
    ),
    Term(
        "average_precision",
        "Precision-recall curve",
        "Precision against sensitivity for every threshold. Unlike the ROC curve it shows what a rare disease does: the same network has "
        "a much lower curve where few people are sick.",
        _precision_recall,
        "By formula: one network, among 50 % and among 10 % sick people.",
    ),
    Term(
        "calibration_error",
        "Calibration",
        "Of all answers given with 80 %, 80 % should be right. Networks are usually too sure of themselves. The calibration error is the "
        "mean distance between what was said and what was right.",
        _reliability,
        "Simulated: a network whose logits are 2.5 times too large; points below the diagonal are too sure.",
    ),
    Term(
        "temperature",
        "Temperature",
        "One number that all logits are divided by, fitted on the validation part. Above 1 it makes answers less sure, below 1 surer. "
        "Which class is answered never changes.",
        _temperature,
        "By formula, for two classes.",
    ),
    Term(
        "mcnemar",
        "McNemar’s test",
        "Two networks on the same images: only the images that one gets right and the other wrong can decide. If both were equally good, "
        "each would win about half of them; p is the chance of a split at least as uneven as the one seen.",
        _mcnemar,
        "By the binomial formula, for 20 deciding images.",
    ),
)
