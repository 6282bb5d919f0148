"""The engine of CXR Lab: data, recipes, training, runs, evaluation, explanation. It knows nothing of the app."""

__version__ = "0.1.0"
