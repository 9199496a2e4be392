"""Benchmarks: each figure is the median of five runs beside its limit or a peer, with the machine named."""
