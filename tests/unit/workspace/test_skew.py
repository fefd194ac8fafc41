"""The workspace's clock beside this machine's, from the Date of answers."""

from datetime import UTC, datetime

import pytest

from provisioner.workspace.transport import ClockSkew

NOON = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
DATES = {
    "the same second": ("Mon, 30 Nov 2026 12:00:00 GMT", 0.0),
    "two seconds, which is below the precision": ("Mon, 30 Nov 2026 12:00:01 GMT", 0.0),
    "five minutes ahead": ("Mon, 30 Nov 2026 12:05:00 GMT", 300.5),
    "five minutes behind": ("Mon, 30 Nov 2026 11:55:00 GMT", -299.5),
    "no date": ("", 0.0),
    "no date at all": ("yesterday", 0.0),
}


@pytest.mark.parametrize(("date", "expected"), DATES.values(), ids=DATES.keys())
def test_the_skew_of_one_answer(date, expected):
    skew = ClockSkew(lambda: NOON)
    skew.measure(date, 0.0)
    assert skew.seconds == expected


def test_the_shortest_request_is_believed():
    skew = ClockSkew(lambda: NOON)
    skew.measure("Mon, 30 Nov 2026 12:05:00 GMT", 0.1)
    skew.measure("Mon, 30 Nov 2026 12:09:00 GMT", 30.0)
    assert round(skew.seconds) == 301


def test_the_connection_measures_it(serve, connect):
    body = b"{}"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: Mon, 30 Nov 2076 12:00:00 GMT\r\n\r\n"
    connection = connect(serve(head + body).url)
    assert connection.clock_skew_s == 0.0
    connection.get("/api/2.0/x")
    assert connection.clock_skew_s > 365 * 86_400
