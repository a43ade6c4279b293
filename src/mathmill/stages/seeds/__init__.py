"""Seeds: bring problems of many shapes and places into one form, and say what was left out.

Why: every public set of problems has its own fields, its own way to mark the answer and its
own blemishes; the rest of the mill should meet none of them.

Used as: `seeds.run(bench, source="gsm8k/train.jsonl")`; `place` reads files, folders,
Hugging Face sets and made worlds, `formats` knows their rows, `text` mends the wording.
"""

from mathmill.stages.seeds.gather import of_samples, run
from mathmill.stages.seeds.place import content_digest, plain_name

__all__ = ["content_digest", "of_samples", "plain_name", "run"]
