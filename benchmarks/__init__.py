"""Side-by-side measurements of speed, memory and accuracy. Ratios within one run, on the same files; never asserted by a timed test."""
