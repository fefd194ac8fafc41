"""docs/contributing/journey-of-a-field.md tells the way that a value really takes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from value_trace import Trace, holds, traced

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "journey-of-a-field.md"
STATION = re.compile(r"^\| \d+ \| `(provisioner/[^`]+:[^`]+)` \|", re.MULTILINE)
ENDPOINT = """\
name: completions
config:
  served_entities:
    - name: openai
      external_model:
        name: gpt-3.5-turbo-instruct
        provider: openai
        task: llm/v1/completions
        openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
ai_gateway:
  rate_limits:
    - {key: user, renewal_period: minute, calls: 20}
"""
GATEWAY = "/api/2.0/serving-endpoints/completions/ai-gateway"


def stations(title: str) -> list[str]:
    """The functions in the table below the heading ``title``, in order."""
    part = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return STATION.findall(next(text for text in part if text.startswith(title)))


def missed(trace: Trace, expected: Iterable[str]) -> list[str]:
    """The stations that the value does not pass after the ones before them."""
    functions = iter([passage.function for passage in trace.passages])
    return [station for station in expected if station not in functions]


@pytest.fixture
def _applied(workspace, repository, run):
    repository.endpoint(ENDPOINT)
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": "sk"}
    workspace.call("POST", "/api/2.0/secrets/put", secret)
    assert run("apply", "-y").code == 0


@pytest.mark.usefixtures("_applied")
def test_a_changed_value_takes_the_documented_way_to_the_workspace(workspace, repository, run):
    repository.endpoint(ENDPOINT.replace("calls: 20", "calls: 98765"))
    trace = traced(lambda: run("apply", "-y"), 98765)
    assert workspace.endpoint("completions")["ai_gateway"]["rate_limits"][0]["calls"] == 98765
    assert len(stations("From YAML")) > 10
    assert missed(trace, stations("From YAML")) == []


@pytest.mark.usefixtures("_applied")
def test_a_live_value_takes_the_documented_way_to_its_drift_line(workspace, run):
    limit = {"key": "user", "renewal_period": "minute", "calls": 77777}
    workspace.call("PUT", GATEWAY, {"rate_limits": [limit]})
    printed = []
    trace = traced(lambda: printed.append(run("drift").out), 77777)
    assert "77777" in printed[0]
    assert len(stations("From the workspace")) > 5
    assert missed(trace, stations("From the workspace")) == []


def test_a_value_is_found_in_text_bytes_and_containers_and_nowhere_else():
    assert holds([{"a": [(5,)]}], 5)
    assert holds([b"calls: 51"], 51)
    assert holds([{"51": None}], 51)
    assert not holds([5.5, True, None, {"a": "4"}], 5)
