"""What a schema cannot say about checks: every problem, at the field to blame."""

from __future__ import annotations

import pytest

from provisioner.kinds import KINDS

KIND = KINDS["model_serving_endpoints"]


def external(task):
    model = {
        "name": "m",
        "provider": "anthropic",
        "task": f"llm/v1/{task}",
        "anthropic_config": {"anthropic_api_key": "{{secrets/keys/one}}"},
    }
    return [{"name": "first", "external_model": model}]


REGISTERED = {"entity_version": "1", "workload_size": "Small", "scale_to_zero_enabled": True}
SERVED = {
    "chat": external("chat"),
    "completions": external("completions"),
    "embeddings": external("embeddings"),
    "custom": [{"name": "first", "entity_name": "main.risk.fraud", **REGISTERED}],
    "foundation": [{"name": "first", "entity_name": "system.ai.llama", **REGISTERED}],
}


def findings(task, *checks):
    document = {"name": "x", "config": {"served_entities": SERVED[task]}, "checks": list(checks)}
    return [(one.code, one.at) for one in KIND.schema.relations(document, {})]


ROWS = {"dataframe_records": [{"a": 1}]}
FITS = [
    pytest.param("chat", {"prompt": "x", "max_tokens": 1, "temperature": 0}, id="a prompt to chat"),
    pytest.param("chat", {"messages": []}, id="messages to chat"),
    pytest.param("chat", {"request": {"messages": []}}, id="a body of its own"),
    pytest.param("completions", {"prompt": "x"}, id="a prompt to completions"),
    pytest.param(
        "embeddings",
        {"input": "x", "expect": {"dimension": 3, "normalized": True, "total_tokens": 9}},
        id="input to embeddings",
    ),
    pytest.param("custom", ROWS, id="rows to a custom model"),
    pytest.param("custom", {"messages": []}, id="messages to an agent"),
    pytest.param("foundation", {"prompt": "x"}, id="a prompt to a model that is not known yet"),
    pytest.param("foundation", {"input": "x", "expect": {"dimension": 3}}, id="or input"),
    pytest.param("chat", {"prompt": "x", "entity": "first"}, id="an entity that is there"),
    pytest.param("chat", {"prompt": "x", "expect": {"pattern": r"(?i)\bx\b"}}, id="a pattern"),
]


@pytest.mark.parametrize(("task", "check"), FITS)
def test_what_fits_is_fine(task, check):
    assert findings(task, {"name": "c", **check}) == []


AT = ("checks", 0)
WRONG = [
    pytest.param("chat", {}, "E742", AT, id="no question"),
    pytest.param("chat", {"prompt": "x", "input": "y"}, "E742", (*AT, "input"), id="two questions"),
    pytest.param("chat", {"input": "x"}, "E743", (*AT, "input"), id="input to chat"),
    pytest.param("completions", {"messages": []}, "E743", (*AT, "messages"), id="no messages"),
    pytest.param("embeddings", {"prompt": "x"}, "E743", (*AT, "prompt"), id="no prompt"),
    pytest.param("custom", {"prompt": "x"}, "E743", (*AT, "prompt"), id="a prompt to rows"),
    pytest.param("chat", ROWS, "E743", (*AT, "dataframe_records"), id="rows to chat"),
    pytest.param(
        "embeddings",
        {"input": "x", "max_tokens": 3},
        "E743",
        (*AT, "max_tokens"),
        id="a parameter that does not go with it",
    ),
    pytest.param(
        "chat", {"prompt": "x", "entity": "frist"}, "E741", (*AT, "entity"), id="no such entity"
    ),
    pytest.param(
        "chat",
        {"prompt": "x", "expect": {"pattern": "(x"}},
        "E744",
        (*AT, "expect", "pattern"),
        id="a pattern that is none",
    ),
    pytest.param(
        "chat",
        {"prompt": "x", "expect": {"normalized": True}},
        "E745",
        (*AT, "expect", "normalized"),
        id="a norm of a text",
    ),
    pytest.param(
        "custom",
        {**ROWS, "expect": {"total_tokens": 3}},
        "E745",
        (*AT, "expect", "total_tokens"),
        id="tokens of a custom model",
    ),
    pytest.param(
        "chat",
        {"prompt": "x", "expect": {"json": [{"path": "a"}, {"path": "a", "min": 2, "max": 1}]}},
        "E745",
        (*AT, "expect", "json", 1, "min"),
        id="nothing is so",
    ),
    pytest.param(
        "chat",
        {"prompt": "x", "expect": {"json": [{"path": "a[0"}]}},
        "E746",
        (*AT, "expect", "json", 0, "path"),
        id="a path that is none",
    ),
]


@pytest.mark.parametrize(("task", "check", "code", "at"), WRONG)
def test_what_does_not_fit_is_said_at_its_place(task, check, code, at):
    assert findings(task, {"name": "c", **check}) == [(code, at)]


def test_names_are_there_once():
    check = {"name": "c", "prompt": "x"}
    assert findings("chat", check, check) == [("E740", ("checks", 1, "name"))]
