"""Write docs/conformance.md to standard output: both columns, with and without math-verify.

Why: the page must be renewable by one command on any machine.

Used as: `python -m mathmill.grading.conformance > docs/conformance.md`.
"""

from __future__ import annotations

from mathmill.grading.conformance.page import page
from mathmill.grading.conformance.pairs import generated, written
from mathmill.grading.conformance.sheet import measure

if __name__ == "__main__":
    pairs = generated() + written()
    print(page(measure(pairs), measure(pairs, symbolic=False)), end="")
