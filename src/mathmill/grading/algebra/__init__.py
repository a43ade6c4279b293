"""Algebra without an algebra system: a bounded parser of formulas, exact values, probes."""
