"""Several samples of one prompt in one call, where the server can: the prompt is paid once.

Why: `generate --n 8` and votes by majority send the same messages again and again. A server
that takes `n` reads them once and writes n replies. Whether it does, and whether they differ,
is not known before it is tried, and servers fail in several ways:

- it refuses `n`, or so many (400, 422): one reply is asked for, then half as many at most;
- it takes no notice and gives one: single calls from then on;
- it writes one text n times, for the one seed that such a call has: copies are thrown away.
  Three such calls, before any whose replies differ, and single calls are sent from then on.

So the first such call to a server is a trial; as long as it is out, others go singly. Greedy
replies are asked for singly: some servers take no `n` there, and n equal texts are of no use.

Used as: `asked = bundling.begin(request, 8)`, then the call, then `bundling.learn(...)` and
`bundling.end(asked)`, by `engine`; one for each server. `base` has what is above it.
"""

from __future__ import annotations

import logging

from mathmill.teachers.http.faults import ROW, Fault
from mathmill.types import Reply, Request

MOST = 32  # samples a call: of the prompt's price 3 % are left; OpenAI would take 128
TRIALS = 3  # calls whose replies were all one text, and no other seen, before it is given up
log = logging.getLogger(__name__)


class Bundling:
    """What is known of one server about calls for several samples."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.most = MOST
        "Samples that one call may ask for."
        self.proved = False
        "Whether one call ever brought replies that differ."
        self._trying = False
        self._copies = 0

    def begin(self, request: Request, samples: int) -> int:
        """Return how many samples the next call asks for; `end` follows in any case."""
        if samples == 1 or self.most == 1 or request.temperature == 0 or (
                self._trying and not self.proved):
            return 1
        self._trying = True
        return min(samples, self.most)

    def end(self, asked: int) -> None:
        """Be told that a call for so many samples is over."""
        if asked > 1:
            self._trying = False

    def learn(self, name: str, asked: int, replies: list[Reply]) -> list[Reply]:
        """Return those replies of a call that are samples of their own, and learn from them."""
        if asked == 1 or self.proved:
            return replies
        if len(replies) == 1:
            self._singly(name, "gives one reply a call, whatever is asked")
        elif all(reply.finish != "error" and reply.text + reply.reasoning for reply in replies):
            self.proved = len({(reply.text, reply.reasoning) for reply in replies}) > 1
            if not self.proved:
                self._copies += 1
                if self._copies == TRIALS:
                    self._singly(name, "writes the same text for all samples of a call")
                return replies[:1]
        return replies

    def refused(self, name: str, asked: int) -> None:
        """Learn that a prompt was refused with so many samples, and answered with one."""
        if asked <= self.most:
            self.most = max(1, asked // 2)
            if self.most == 1:
                self._singly(name, "takes no call for several samples")

    def _singly(self, name: str, why: str) -> None:
        self.most = 1
        log.warning("%s: the server %s; each sample is asked for alone from now on, and its "
                    "prompt read again", name, why)


def may_be_the_number(fault: Fault, asked: int) -> bool:
    """Tell whether a refusal may be of the number of samples, and not of the prompt."""
    return asked > 1 and fault.kind == ROW and fault.status in (400, 422)
