"""The shortcut lab: a marker is planted on one class, a network is trained on it, and what it learnt is unmasked."""
