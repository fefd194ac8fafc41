"""One brake for all workers, mostly in a world where time is a number."""

import heapq
import threading
from dataclasses import dataclass, field

import pytest

from provisioner.workspace.retries import Limiter, Pace


@dataclass
class Service:
    """Takes ``rate`` requests a second, and ``burst`` at once after a rest."""

    rate: float
    burst: float
    latency_s: float = 0.02
    retry_after_s: float | None = 1.0
    tokens: float = field(init=False)
    last: float = 0.0

    def __post_init__(self):
        self.tokens = self.burst

    def takes(self, now):
        self.tokens = min(self.burst, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def run(pace, service, requests, now=0.0):
    """Send ``requests`` through ``pace``: (seconds they took, how many were refused)."""
    began, waiting, done, refused, under_way, number = now, requests, 0, 0, [], 0
    while done < requests:
        while waiting and len(under_way) < pace.window and pace.wait_s(now) <= 0:
            pace.sent(now)
            waiting, number = waiting - 1, number + 1
            heapq.heappush(under_way, (now + service.latency_s, number, now))
        moments = [under_way[0][0]] if under_way else []
        if waiting and len(under_way) < pace.window:
            moments.append(now + max(pace.wait_s(now), 1e-4))
        now = min(moments)
        while under_way and under_way[0][0] <= now:
            _, _, sent_at = heapq.heappop(under_way)
            if service.takes(now):
                done += 1
                pace.accepted()
            else:
                refused, waiting = refused + 1, waiting + 1
                pace.throttled(sent_at, now, service.retry_after_s)
    return now - began, refused


SERVICES = [
    pytest.param(20, 1.0, id="20 a second"),
    pytest.param(50, 1.0, id="50 a second"),
    pytest.param(50, None, id="50 a second, without Retry-After"),
    pytest.param(100, 1.0, id="100 a second"),
]


@pytest.mark.parametrize(("rate", "retry_after_s"), SERVICES)
@pytest.mark.parametrize("latency_s", [0.005, 0.02, 0.05])
def test_a_throttled_run_is_nearly_as_fast_as_can_be_and_polite(rate, retry_after_s, latency_s):
    took_s, refused = run(Pace(64), Service(rate, rate, latency_s, retry_after_s), 1000)
    assert took_s <= 1.15 * (1000 - rate) / rate
    assert refused <= 100


def test_a_service_that_saves_nothing_up_is_not_stormed():
    took_s, refused = run(Pace(64), Service(50, 5), 1000)
    assert took_s <= 3 * 1000 / 50
    assert refused <= 100


def test_without_throttling_nothing_is_slowed_down():
    took_s, refused = run(Pace(64), Service(1e9, 1e9, 0.05), 1000)
    # 16, 32, then 64 at a time: two steps more than 64 from the start would take.
    assert took_s == pytest.approx((2 + (1000 - 48) / 64) * 0.05, abs=0.06)
    assert refused == 0


def test_a_service_that_recovers_is_used_fully_again():
    pace = Pace(64)
    service = Service(20, 20)
    run(pace, service, 200)
    service.rate = service.burst = 1e9
    run(pace, service, 20_000, now=1000.0)
    took_s, refused = run(pace, service, 1000, now=5000.0)
    assert (took_s < 1, refused) == (True, 0)


def test_the_refusals_of_one_burst_are_one_throttling():
    pace = Pace(64)
    for _ in range(16):
        pace.sent(0.0)
    for _ in range(8):
        pace.accepted()
    for _ in range(8):
        pace.throttled(0.0, 0.1, 2.0)
    # Eight within a tenth of a second say nothing about what is taken in a second.
    pace.sent(2.1)
    assert pace.wait_s(2.1) <= 0


def test_the_rate_is_what_was_taken_from_one_throttling_to_the_next():
    pace = Pace(64)
    pace.sent(0.0)
    pace.throttled(0.0, 0.1, 1.0)
    for number in range(11):
        pace.sent(1.1 + number / 10)
        pace.accepted()
    pace.throttled(2.1, 2.1, 1.0)
    pace.sent(3.1)
    pace.sent(3.1)
    # 11 in two seconds, gate included.
    assert pace.wait_s(3.1) == pytest.approx(2 / 5.5, abs=0.06)


def test_pauses_of_ours_do_not_lower_the_rate():
    pace = Pace(64)
    pace.sent(0.0)
    pace.throttled(0.0, 0.1, 1.0)
    for number in range(20):
        pace.sent(2.0 + 0.05 * number)
        pace.accepted()
    pace.sent(5000.0)
    pace.throttled(5000.0, 5000.1, 1.0)
    pace.sent(5001.1)
    assert pace.wait_s(5001.1) < 0.2


@pytest.mark.parametrize("wish", [None, 0.0])
def test_without_a_wish_of_the_service_the_gate_closes_longer_each_time(wish):
    pace, now, waits = Pace(64), 0.0, []
    for _ in range(8):
        pace.sent(now)
        pace.throttled(now, now, wish)
        waits.append(pace.wait_s(now))
        now += pace.wait_s(now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_gate_is_never_opened_early_by_a_shorter_wish():
    pace = Pace(64)
    pace.sent(0.0)
    pace.sent(0.0)
    pace.throttled(0.0, 0.1, 30.0)
    pace.throttled(0.0, 0.2, 1.0)
    assert pace.wait_s(0.2) == pytest.approx(29.9)


@pytest.mark.parametrize(
    ("parallel", "windows"), [(64, [16, 32, 64, 64]), (24, [16, 24, 24, 24]), (3, [3] * 4)]
)
def test_slow_start(parallel, windows):
    pace, seen = Pace(parallel), []
    for _ in range(4):
        seen.append(pace.window)
        for _ in range(pace.window):
            pace.accepted()
    assert seen == windows


class TestWithThreads:
    def test_no_more_under_way_than_the_window(self, clock):
        limiter = Limiter(clock, 64)
        first = [limiter.enter(1e9) for _ in range(16)]
        entered = []
        worker = threading.Thread(target=lambda: entered.append(limiter.enter(1e9)))
        worker.start()
        worker.join(0.05)
        assert entered == []
        limiter.leave(first[0])
        worker.join(5)
        assert entered == [clock.now()]

    def test_one_throttling_holds_all_and_they_go_on(self, clock):
        limiter = Limiter(clock, 8)
        limiter.leave(limiter.enter(1e9), True, 30.0)
        times = []

        def work():
            times.append(limiter.enter(1e9))
            limiter.leave(times[-1])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(times) == 8
        assert min(times) >= 1030

    def test_nobody_waits_beyond_the_deadline(self, clock):
        limiter = Limiter(clock, 8)
        limiter.leave(limiter.enter(1e9), True, 30.0)
        assert limiter.enter(clock.now() + 29) is None
        assert clock.slept == []
