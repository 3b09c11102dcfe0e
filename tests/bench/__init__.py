"""Figures: both sides in one run, interleaved, as medians and ratios. `make bench`, `make bench-quick`."""
