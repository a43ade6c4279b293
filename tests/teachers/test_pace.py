"""The pace against simulated servers under a clock that the test turns."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

import pytest

from mathmill.teachers.pace import Pace


@dataclass
class Bucket:
    """Allows `rate` calls a second, `burst` at once, and may say what is left."""

    rate: float
    burst: float
    tells: bool = False
    asks: float | None = None
    "Seconds of Retry-After."
    level: float | None = None
    then: float = 0.0

    def take(self, now: float, flying: int) -> bool:
        level = self.burst if self.level is None else self.level
        self.level = min(self.burst, level + (now - self.then) * self.rate)
        self.then = now
        if self.level < 1 - 1e-9:
            return False
        self.level -= 1
        return True

    def wait(self, now: float) -> float | None:
        return self.asks

    def left(self) -> tuple[float | None, float, float | None]:
        if not self.tells:
            return None, 0.0, None
        return int(self.level), (self.burst - self.level) / self.rate, self.burst


@dataclass
class Windowed(Bucket):
    """Allows `rate * burst` calls in each `burst` seconds by the clock on its wall."""

    count: int = 0

    def take(self, now: float, flying: int) -> bool:
        if int(now / self.burst) != int(self.then / self.burst):
            self.count = 0
        self.then = now
        self.count += 1
        return self.count <= self.rate * self.burst

    def wait(self, now: float) -> float | None:
        return None if self.asks is None else self.burst - now % self.burst + self.asks

    def left(self) -> tuple[float | None, float, float | None]:
        if not self.tells:
            return None, 0.0, None
        whole = self.rate * self.burst
        return (max(0.0, whole - self.count),
                self.burst - self.then % self.burst, whole)


@dataclass
class Places(Bucket):
    """Serves `rate` calls at a time; `burst` is not used."""

    def take(self, now: float, flying: int) -> bool:
        return flying < self.rate

    def left(self) -> tuple[float | None, float, float | None]:
        return None, 0.0, None


@dataclass
class Course:
    """What came of a simulated run."""

    good: list[float] = field(default_factory=list)
    "When calls were taken."
    refused: list[float] = field(default_factory=list)
    most: int = 0

    def rate(self, since: float, until: float) -> float:
        return sum(since <= at < until for at in self.good) / (until - since)

    def share(self, since: float) -> float:
        bad = sum(at >= since for at in self.refused)
        return bad / max(1, bad + sum(at >= since for at in self.good))


def simulate(server: Bucket, seconds: float, latency: float = 1.0, back: float = 0.02,
             spread: float = 0.0, seed: int = 0, pace: Pace | None = None,
             limit: int = 200_000, begin: float = 0.0, late: float = 0.0) -> Course:
    """Send calls as the pace allows, as if there were always more to send.

    `late`: mean seconds by which whatever happens is heard of too late, as on a busy machine.
    """
    now = [begin]
    pace = pace or Pace(clock=lambda: now[0])
    pace.clock = lambda: now[0]
    draw, events, course = random.Random(seed), [], Course()
    number = flying = 0
    while now[0] < seconds and number < limit:
        wait = pace.wait()
        if wait <= 0:
            call = pace.sent()
            number += 1
            if server.take(now[0], flying):
                flying += 1
                course.good.append(now[0])
                took = latency * draw.lognormvariate(0, spread) if spread else latency
                heapq.heappush(events, (now[0] + took, number, call, True, server.left()))
            else:
                course.refused.append(now[0])
                heapq.heappush(events, (now[0] + back, number, call, False, None))
            if pace.flying > course.most:
                course.most = pace.flying
            continue
        look = now[0] + (wait if wait > 0.0005 else 0.0005)
        if events and events[0][0] < look:
            look = events[0][0]
        assert look < float("inf"), "the pace waits for nothing"
        now[0] = look + (draw.expovariate(1 / late) if late else 0.0)
        if events and events[0][0] <= now[0]:
            _, _, call, taken, left = heapq.heappop(events)
            if taken:
                flying -= 1
                pace.good(call, *left)
            else:
                pace.refused(call, server.wait(now[0]))
    return course


def test_the_first_calls_go_out_at_once_and_no_more_than_there_are_places():
    now = [0.0]
    pace = Pace(clock=lambda: now[0], start=3)
    calls = []
    while pace.wait() == 0:
        calls.append(pace.sent())
    assert len(calls) == 3
    now[0] = 1.0
    pace.good(calls[0])
    assert pace.wait() == 0
    assert pace.latency == 1.0


def test_slow_start_reaches_a_thousand_in_flight_in_a_few_rounds():
    course = simulate(Places(1e9, 0), 12, latency=2.0)
    assert course.rate(8, 12) * 2.0 > 1000
    assert not course.refused


def test_the_window_stays_between_its_bounds():
    now = [0.0]
    pace = Pace(clock=lambda: now[0], floor=2, ceiling=100)
    assert simulate(Places(1e9, 0), 20, latency=0.5, pace=pace).most <= 100
    pace = Pace(clock=lambda: now[0], floor=2, ceiling=100)
    course = simulate(Places(1, 0), 20, latency=0.5, pace=pace)
    assert pace.window >= 2
    assert course.good


def test_a_server_that_queues_is_not_flooded_though_it_never_refuses():
    """Four places at ten seconds: replies come at 0.4/s however many wait in its queue."""
    now, pace, free, events = [0.0], None, [0.0] * 4, []
    pace = Pace(clock=lambda: now[0], longest=150.0)
    number = 0
    while now[0] < 3600:
        while pace.wait() == 0:
            place = min(range(4), key=free.__getitem__)
            free[place] = max(free[place], now[0]) + 10.0
            number += 1
            heapq.heappush(events, (free[place], number, pace.sent()))
        now[0], _, call = heapq.heappop(events)
        pace.good(call)
    assert pace.window < 240
    assert pace.latency < 550  # a call may take 600


@pytest.mark.parametrize("places", [4, 30, 100, 500])
@pytest.mark.parametrize("latency", [0.3, 2.0])
def test_a_server_with_a_number_of_places_is_kept_full(places, latency):
    course = simulate(Places(places, 0), 60, latency=latency, spread=0.3)
    mean = latency * 2.718281828 ** 0.045
    assert course.rate(10, 60) >= 0.9 * places / mean
    assert course.share(10) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "draws"), [(10, 160), (30, 60), (100, 16), (300, 6)])
def test_a_server_that_allows_so_many_a_second_gets_them(rate, draws):
    # At 10 a second one draw in 80 misses one of the two, at 30 one in 200, above none was seen.
    draw, missed = random.Random(rate), []
    for seed in range(draws):
        server = Bucket(rate, max(2.0, draw.uniform(0.5, 5.0) * rate), tells=draw.random() < 0.5,
                        asks=draw.choice([None, None, 1.0]))
        course = simulate(server, 70, latency=draw.uniform(0.02, 2.0), seed=seed,
                          back=draw.uniform(0.005, 0.2),
                          spread=draw.choice([0.0, draw.uniform(0, 0.4)]))
        if course.rate(10, 70) < 0.9 * rate or course.share(10) >= 0.05:
            missed.append((server, course.rate(10, 70) / rate, course.share(10)))
    assert len(missed) <= draws // 40, missed


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_silence_that_was_asked_for_does_not_make_a_server_look_slow(seed):
    # With pauses counted as time in which calls could go, .94, .74 and .90 were reached.
    server = Bucket(500, 50, tells=True, asks=1.0)
    course = simulate(server, 25, latency=0.2, back=0.004, spread=0.4, seed=seed, late=0.0005)
    assert course.rate(10, 25) >= 0.97 * 500
    assert course.share(10) < 0.01


@pytest.mark.parametrize(("rate", "burst", "late", "seed"), [
    (100, 0.1, 0.003, 6), (100, 0.5, 0.0005, 3), (500, 0.1, 0.003, 2), (500, 0.5, 0.003, 1)])
def test_a_bucket_that_fills_in_each_silence_is_not_emptied_again_and_again(
        rate, burst, late, seed):
    # At the rate that a burst after silence suggests, .21 to .82 of it was reached.
    server = Bucket(rate, burst * rate, asks=1.0)
    course = simulate(server, 30, latency=0.05, back=0.004, seed=seed, late=late)
    assert course.rate(10, 30) >= 0.9 * rate
    assert course.share(10) < 0.02


@pytest.mark.parametrize(("rate", "seconds", "asks"), [
    (50, 1, None), (50, 1, 0.0), (50, 10, None), (50, 10, 0.0), (20, 5, 0.5)])
@pytest.mark.parametrize("tells", [False, True])
def test_a_limit_by_the_clock_on_the_wall_is_learnt(rate, seconds, asks, tells):
    course = simulate(Windowed(rate, seconds, tells=tells, asks=asks), 120, spread=0.3)
    settled = 10 + 2 * seconds  # what a whole window allows can be known after it
    assert course.rate(settled, 120) >= 0.9 * rate
    assert course.share(settled) < 0.05


def test_a_limit_that_is_raised_is_found_and_one_that_is_lowered_is_heeded():
    server = Bucket(50, 50)
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    simulate(server, 30, latency=0.5, pace=pace)
    assert 45 < pace.rate < 56
    server.rate = 200
    shifted = simulate(server, 90, latency=0.5, pace=pace, begin=30.0)
    assert shifted.rate(70, 90) > 150
    server.rate, server.burst = 20, 20
    lowered = simulate(server, 160, latency=0.5, pace=pace, begin=90.0)
    assert lowered.share(110) < 0.05
    assert lowered.rate(110, 160) > 15


def turned() -> tuple[list[float], Pace]:
    now = [100.0]
    return now, Pace(clock=lambda: now[0])


def test_retry_after_holds_all_back_where_the_server_refuses_most():
    now, pace = turned()
    calls = [pace.sent() for _ in range(8)]
    now[0] += 0.1
    for call in calls:
        pace.refused(call, retry_after=30.0)
    assert pace.wait() > 0
    now[0] += 29.0
    assert pace.wait() > 0
    now[0] += 1.5
    assert pace.wait() == 0


def test_one_refusal_among_many_replies_stops_nobody():
    now, pace = turned()
    pace.refused(pace.sent())
    for _ in range(300):
        now[0] += max(pace.wait(), 0.01)
        while pace.wait() > 0:
            now[0] += 0.05
        pace.good(pace.sent())
    pace.refused(pace.sent(), retry_after=60.0)
    now[0] += 1.0
    assert pace.wait() == 0


def test_one_round_makes_one_cut():
    now, pace = turned()
    first = [pace.sent() for _ in range(60)]
    now[0] += 0.05
    pace.refused(first[0])
    now[0] += 1
    pace.wait()
    for call in first[1:]:
        pace.good(call)
    calls = [pace.sent() for _ in range(60)]
    before = pace.round
    now[0] += 3.0
    for call in calls[:3]:
        pace.refused(call)
        now[0] += 1.0
        pace.wait()
    assert pace.round == before + 1


def test_a_server_that_is_down_is_looked_at_by_one_call_and_comes_back():
    now, pace = turned()
    calls = [pace.sent() for _ in range(20)]
    for call in calls:
        pace.trouble(call)
    assert pace.down == 1
    looks = 0
    for _ in range(5):
        now[0] += pace.wait()
        call = pace.sent()
        looks += 1
        assert pace.wait() == float("inf")
        pace.trouble(call)
    assert pace.down == 1 + looks
    assert pace.wait() > 10
    now[0] += pace.wait()
    pace.good(pace.sent())
    assert pace.down == 0
    assert pace.wait() == 0


def test_headers_bound_the_rate_before_anything_is_refused():
    now, pace = turned()
    for _ in range(5):
        call = pace.sent()
        now[0] += 0.1
        pace.good(call, left=9.0, seconds=10.0, limit=100.0)
    sent, until = 0, now[0] + 5.0
    while now[0] < until:
        if pace.wait() == 0:
            pace.good(pace.sent())
            sent += 1
        now[0] += 0.01
    assert 2 <= sent <= 9


@pytest.mark.parametrize("idle", [5.0, 3600.0])
def test_time_with_nothing_to_send_teaches_nothing(idle):
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    course = simulate(Bucket(100, 10), idle + 30, latency=0.2, pace=pace, begin=idle)
    assert course.rate(idle + 4, idle + 30) > 90
    later, pace.flying = idle + 30 + 600, 2  # stragglers
    course = simulate(Bucket(100, 10), later + 20, latency=0.2, pace=pace, begin=later)
    assert course.rate(later, later + 20) > 90
