"""Pre-train the embedded base model: a 0.6M-parameter Llama on plain text of the symbolic world.

What it reads are arithmetic facts and stories told to their end; never a question with its
answer, so that what fine-tuning adds is the effect of the data. The weights in the wheel
were made by this recipe (LOG.md tells of one interruption); the card beside them has the facts.

Used as: `mathmill run base_model` (about 30 minutes on one core).
"""

from __future__ import annotations

from mathmill.pipeline import Step, pretrain

TOKENS = 16_000_000  # read in all: about 29 a weight; half an hour on one core
CORPUS_TOKENS = 24_000_000  # written, so that no passage is read twice
BATCH_TOKENS = 2_048  # small: at this size more steps teach more, and the batch stays in cache


def recipe(samples: int = TOKENS) -> Step:
    """Pre-train on `samples` tokens."""
    return pretrain(vocabulary=1_200, tokens=samples, corpus_tokens=CORPUS_TOKENS,
                    batch_tokens=BATCH_TOKENS, block=256,
                    architecture={"hidden_size": 96, "layers": 4, "heads": 3,
                                  "intermediate_size": 256})
