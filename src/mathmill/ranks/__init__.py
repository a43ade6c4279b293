"""Ranks: several processes, one a device, that train one model or answer one set of prompts.

Why: torchrun starts and watches them; what a step needs beside that (the line that a person can
copy, one line of error that names the rank, nobody left behind) is the same for both and lies
here. Knows only the ground. Called by `train.sft.together` and `evaluate.writers`.
"""
