"""A strange answer of any route: never a wrong plan, never a false success, and the rerun heals."""

from __future__ import annotations

import random
from typing import Any

import catalog_apply
import mixed_apply
import pytest
from proof_cells import Cells


def error(status: int, code: str) -> dict[str, Any]:
    return {"status": status, "body": {"error_code": code, "message": "a fault of the test"}}


def page(status: int) -> dict[str, Any]:
    return {"status": status, "body": "<html><title>Gateway</title>sorry</html>"}


FAULTS: dict[str, dict[str, Any]] = {
    **{name: {"connection": name} for name in ("drop", "reset", "truncate", "garbage")},
    "400": error(400, "INVALID_PARAMETER_VALUE"),
    "401": error(401, "UNAUTHENTICATED"),
    "403": error(403, "PERMISSION_DENIED"),
    "404 of the service": error(404, "RESOURCE_DOES_NOT_EXIST"),
    "404 of a gateway": {"status": 404, "body": {"message": "no Route matched with those values"}},
    "408": error(408, "REQUEST_TIMEOUT"),
    "409": error(409, "RESOURCE_CONFLICT"),
    "429": {**error(429, "REQUEST_LIMIT_EXCEEDED"), "headers": {"Retry-After": "1"}},
    "500": error(500, "INTERNAL_ERROR"),
    "502": page(502),
    "503": error(503, "TEMPORARILY_UNAVAILABLE"),
    "504": page(504),
    "a redirect": {"status": 302, "headers": {"Location": "https://login.example.com/"}},
    "a page": page(200),
    "nothing": {"status": 200, "body": ""},
    "an empty object": {"status": 200, "body": {}},
    "a list": {"status": 200, "body": []},
    "null": {"status": 200, "body": None},
    "NaN": {"status": 200, "body": '{"name": NaN}'},
    "a key twice": {"status": 200, "body": '{"name": "a", "name": "b"}'},
    "deep": {"status": 200, "body": '{"a":' * 500 + "1" + "}" * 500},
    "17 MiB": {"status": 200, "body_bytes": 17 * 2**20},
}
MIXES = {"endpoints and scopes": mixed_apply, "Unity Catalog": catalog_apply}
Case = tuple[str, str, str, str, str]


@pytest.fixture(params=MIXES.values(), ids=MIXES)
def mix(request):
    return request.param


@pytest.fixture
def shop(repository, workspace, mix, monkeypatch):
    for name, value in mix.KEYS.items():
        monkeypatch.setenv(name, value)
    host = f"workspace: {{host: {workspace.server.url}}}\nmanifests: [manifests/*.yaml]\n"
    guard = "guard: {destructive_percent: 100, destructive_count: 10}\n"
    repository.write("environments/dev.yaml", host + guard)
    return repository


def order(call: Any, case: Case) -> None:
    _, method, path, fault, how_often = case
    once = how_often != "for ever"
    phase = "after" if how_often == "once, after the commit" else "before"
    rule = {"method": method, "path": path, "phase": phase, "times": 1 if once else 0}
    call("POST", "/__emulator__/faults", {"rules": [{**rule, "action": FAULTS[fault]}]})


def test_every_route_of_the_apply_is_a_row(shop: Any, run: Any, workspace: Any, mix: Any) -> None:
    mix.prepare(shop.root, run, workspace.call)
    assert run("apply", "-y", *mix.CONSENT).code == 0
    asked = {(method, *path.split("/")) for method, path in workspace.requests()}
    rows = [(method, *path.split("/")) for method, path in (*mix.READS, *mix.WRITES)]
    assert [call for call in asked if not any(matches(row, call) for row in rows)] == []
    assert [row for row in rows if not any(matches(row, call) for call in asked)] == []


def matches(row: tuple[str, ...], call: tuple[str, ...]) -> bool:
    return len(row) == len(call) and all(
        part in ("*", word) for part, word in zip(row, call, strict=True)
    )


@pytest.mark.proof("faults")
def test_a_strange_answer_never_becomes_a_wrong_plan(
    shop: Any, run: Any, workspace: Any, cells: Cells, mix: Any
) -> None:
    mix.prepare(shop.root, run, workspace.call)
    right = actions(run("plan", "-o", "json"))
    cases = [
        ("plan", *route, fault, often)
        for route in mix.READS
        for fault in FAULTS
        for often in ("once", "for ever")
    ]

    def check(case: Case, _: random.Random) -> None:
        order(workspace.call, case)
        result = run("plan", "-o", "json")
        workspace.call("DELETE", "/__emulator__/faults")
        assert "Traceback" not in result.err
        assert result.code in (0, 1), result.err
        if result.code == 0:
            assert actions(result) == right
        else:
            assert "error[E" in result.err
        assert workspace.writes() == []

    cells.run(cases, check, quick=4)


@pytest.mark.proof("faults")
def test_a_strange_answer_never_becomes_a_false_success(
    shop: Any, run: Any, workspace: Any, cells: Cells, mix: Any
) -> None:
    apply = ("apply", "-y", *mix.CONSENT)
    mix.prepare(shop.root, run, workspace.call)
    assert run(*apply).code == 0
    expected = mix.world(workspace.call)
    cases = [
        ("apply", *route, fault, often)
        for route in (*mix.READS, *mix.WRITES)
        for fault in FAULTS
        for often in ("once", "for ever", "once, after the commit")
        if often != "once, after the commit" or route in mix.WRITES
    ]

    def check(case: Case, _: random.Random) -> None:
        mix.prepare(shop.root, run, workspace.call)
        order(workspace.call, case)
        result = run(*apply)
        workspace.call("DELETE", "/__emulator__/faults")
        assert "Traceback" not in result.err
        assert result.code in (0, 1, 4), result.err
        if result.code == 0:
            assert run("plan", "--detailed-exitcode").code == 0, "applied, and not empty"
        again = run(*apply)
        assert again.code == 0, again.err
        assert run("plan", "--detailed-exitcode").code == 0
        found = mixed_apply.differences(mix.world(workspace.call), expected)
        assert not found, "\n".join(found)
        created = mix.creates(workspace.call)
        # A fault may answer like a create, so the log cannot tell how many there really were.
        assert created["deleted new"] == 0
        assert created["written to foreign"] == 0

    cells.run(cases, check, quick=3)


def actions(result: Any) -> dict[str, str]:
    return {step["address"]: step["action"] for step in result.json["steps"]}
