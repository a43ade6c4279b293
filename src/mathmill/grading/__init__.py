"""The one grader, used by `verify` and by `evaluate` alike."""
