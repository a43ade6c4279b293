"""mathmill: grind seed maths problems into checked data, train on it, measure honestly.

The eight verbs (`mathmill.pipeline`) are the Python API; `mathmill --help` is the other face.
"""

__version__ = "0.1.0"
