"""How the learning rate moves over a training: as a factor between 0 and 1.

Why: pre-training (a plain loop) and fine-tuning (through TRL) share one definition, and a
schedule that depends on nothing but the share of work done can be tested by itself. The names
of the optimisers stand here too: a recipe is checked by them before PyTorch is loaded.

Used as: `factor("wsd", done=step / steps, warmup=0.01)`.
"""

from __future__ import annotations

import math

OPTIMIZERS = ("adamw", "muon+adamw")
SCHEDULES = ("cosine", "linear", "constant", "wsd")
DECAY = 0.4  # share of a `wsd` schedule that decays; the prototype's choice


def factor(schedule: str, done: float, warmup: float = 0.03, decay: float = DECAY,
           floor: float = 0.0) -> float:
    """Return the learning-rate factor where a share `done` (0 to 1) of the steps lies behind.

    `cosine` and `linear` fall to 0 after a linear warm-up over the share `warmup`; `constant`
    stays; `wsd` (warm up, stay, decay) stays and then falls linearly over the last `decay`.
    After the warm-up none falls below `floor`: the line to 0 is cut, as JiuZhang3.0's code does.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule {schedule!r} is none of {', '.join(SCHEDULES)}")
    done = min(max(done, 0.0), 1.0)
    if done < warmup:
        return done / warmup
    if schedule == "constant":
        return 1.0
    if schedule == "wsd":
        return max(floor, min(1.0, (1.0 - done) / decay)) if decay else 1.0
    rest = (done - warmup) / max(1.0 - warmup, 1e-9)
    return max(floor, 1.0 - rest if schedule == "linear"
               else 0.5 * (1.0 + math.cos(math.pi * rest)))
