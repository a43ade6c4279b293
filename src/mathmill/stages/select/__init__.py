"""Select: leave out rows that say the same, choose those that lie far apart (core-set), or others.

Why: Skywork-Math chooses its second seeds by core-set and says nothing of how; here the
embedding (`embed`), the greedy choice (`coreset`) and the control (random) are written down
and measured side by side.

Used as: `select.run(bench, how="coreset", fraction=0.5)`.
"""

from mathmill.stages.select.choose import run
from mathmill.stages.select.encoders import encoder_literals
from mathmill.stages.select.minhash import near_literals
from mathmill.stages.select.ratings import check_ratings
from mathmill.stages.select.spread import far_literals

__all__ = ["check_ratings", "encoder_literals", "far_literals", "near_literals", "run"]
