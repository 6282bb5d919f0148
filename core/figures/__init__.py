"""Stored arrays → Plotly figures. Computes nothing but shares for colours; knows neither runs nor pages."""

from core.figures.benchmark import Beside, sides
from core.figures.comparison import CostPoint, cost, spread
from core.figures.data import class_counts, grey_difference, greys, part_counts, shares, size_shares, sizes
from core.figures.lessons import bars, groups, intervals, lines, pictures
from core.figures.matrices import agreement, confusion, cross_data
from core.figures.probabilities import precision_recall, reliability, roc, threshold
from core.figures.shortcuts import collapse
from core.figures.theme import BEST, PALETTE, PARTS, TRAINING, VALIDATION, class_colours, run_colours
from core.figures.training import Series, curves, learning_rate, overlay
from core.figures.words import alt_text

__all__ = [
    "BEST",
    "PALETTE",
    "PARTS",
    "TRAINING",
    "VALIDATION",
    "Beside",
    "CostPoint",
    "Series",
    "agreement",
    "alt_text",
    "bars",
    "class_colours",
    "class_counts",
    "collapse",
    "confusion",
    "cost",
    "cross_data",
    "curves",
    "grey_difference",
    "greys",
    "groups",
    "intervals",
    "learning_rate",
    "lines",
    "overlay",
    "part_counts",
    "pictures",
    "precision_recall",
    "reliability",
    "roc",
    "run_colours",
    "shares",
    "sides",
    "size_shares",
    "sizes",
    "spread",
    "threshold",
]
