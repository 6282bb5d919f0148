"""Training, ours and peers': whole processes, measured from outside, from start to exit."""
