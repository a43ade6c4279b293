"""A pool that is stopped leaves no worker behind, whether it was killed at once or had time."""

from __future__ import annotations

import os
import time

import pytest

from mathmill.execution.workers import Pool


@pytest.mark.parametrize("patience", [0.0, 0.2])
def test_a_worker_that_does_not_go_is_gone_when_the_pool_has_stopped(patience):
    pool = Pool(1, lambda *_: None)
    busy = pool._executor.submit(time.sleep, 60)
    while not busy.running():
        time.sleep(0.01)
    (worker,) = pool.processes
    pool.stop(patience)
    with pytest.raises(ProcessLookupError):  # nor does it wait to be taken note of
        os.kill(worker, 0)
