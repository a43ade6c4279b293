"""Measurement: suites, generation, and the statistics that make a number honest."""
