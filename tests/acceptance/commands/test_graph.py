"""``graph``: what leads to what, as a picture that only shows and never loads or runs."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from provisioner.cli import main
from provisioner.commands.graph.graph import GraphEdge, GraphNode, Network, NodeType
from provisioner.commands.graph.svg import MOST_COLUMNS, svg
from provisioner.commands.graph.text import mermaid

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"]</text><script>alert(1)</script>\x1b[31m\u202e'


@pytest.fixture
def drawn(capsys):
    def call(*words: str) -> str:
        capsys.readouterr()
        assert main(["graph", *words]) == 0
        return capsys.readouterr().out

    return call


def example(name: str) -> list[str]:
    return ["-C", str(ROOT / "examples" / name)]


def test_a_split_with_fallback_as_mermaid(drawn):
    lines = drawn(*example("traffic-split")).splitlines()
    assert lines[0] == "flowchart LR"
    assert '  n1 -->|"90 %"| n2' in lines
    assert '  n1 -.->|"fallback"| n7' in lines
    assert '  n4[("chat#95;providers")]' in lines


def test_a_model_service_leads_to_its_provider_services(drawn):
    lines = drawn(*example("unity-gateway")).splitlines()
    assert '  n1 -->|"100 %"| n2' in lines
    assert '  n1 -.->|"fallback"| n5' in lines
    assert '  n4[("main.gateway.openai#95;prod")]' in lines


def test_the_same_for_programs(drawn):
    found = json.loads(drawn(*example("traffic-split"), "-o", "json"))
    by_sort: dict[str, list[str]] = {}
    for node in found["nodes"]:
        by_sort.setdefault(node["sort"], []).append(node["label"])
    assert by_sort == {
        "environment": ["local"],
        "resource": ["chat"],
        "entity": ["gpt-4o", "claude", "gpt-4o-mini"],
        "model": ["openai gpt-4o", "anthropic claude-3-5-sonnet-latest", "openai gpt-4o-mini"],
        "secrets": ["chat_providers"],
    }
    assert {
        "from": "local:model_serving_endpoints.chat",
        "to": "local:model_serving_endpoints.chat:claude",
        "traffic_percentage": 10,
        "fallback": False,
    } in found["edges"]
    known = {node["id"] for node in found["nodes"]}
    assert {end for edge in found["edges"] for end in (edge["from"], edge["to"])} == known


EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/provisioner.yaml"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_in_the_picture_of_every_example_no_box_is_on_another(name: str, drawn):
    picture = ElementTree.fromstring(drawn(*example(name), "-o", "svg"))
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    places = [
        tuple(float(box.get(side, 0)) for side in ("x", "y", "width", "height"))
        for box in picture.iter(f"{SVG}rect")
    ]
    assert len(set(places)) == len(places) > 0
    for number, (x, y, wide, high) in enumerate(places):
        assert x + wide <= width
        assert y + high <= height
        for left, top, *_ in places[:number]:
            assert left != x or abs(top - y) >= high


def test_what_somebody_else_declares_is_dashed(repository, run):
    repository.endpoint(
        "name: chat\nconfig:\n  served_entities:\n    - name: gpt\n      external_model:\n"
        "        {name: m, provider: openai, task: llm/v1/chat, "
        'openai_config: {openai_api_key: "{{secrets/theirs/key}}"}}'
    )
    assert 'class="secrets elsewhere"' in run("graph", "-o", "svg").out
    assert run("graph", "--select", "nothing").code == 1


def network(label: str) -> Network:
    nodes = tuple(
        GraphNode(sort, label, f"{sort}-{number}") for number, sort in enumerate(NodeType)
    )
    ends = [node.identity for node in nodes]
    edges = tuple(
        GraphEdge(*pair, 0 if pair[1] == ends[2] else None) for pair in itertools.pairwise(ends)
    )
    return Network(nodes, edges)


def test_a_hostile_name_is_only_a_name():
    text = svg(network(HOSTILE))
    picture = ElementTree.fromstring(text)
    assert not list(picture.iter(f"{SVG}script"))
    assert "\x1b" not in text + mermaid(network(HOSTILE))
    assert "<script" not in text + mermaid(network(HOSTILE))
    # Nothing is fetched from anywhere.
    assert text.replace("http://www.w3.org/2000/svg", "").count("://") == 0


def test_a_long_name_is_shortened_in_the_picture_and_whole_in_its_title():
    name = "a" * 30 + "語" * 60
    picture = ElementTree.fromstring(svg(network(name)))
    shown = {one.text for one in picture.iter(f"{SVG}text")}
    assert name not in shown
    assert any("…" in (text or "") and len(text or "") <= MOST_COLUMNS for text in shown)
    assert name in {one.text for one in picture.iter(f"{SVG}title")}


def test_an_empty_picture_is_one_too(tmp_path, drawn):
    ElementTree.fromstring(svg(Network((), ())))
    assert mermaid(Network((), ())) == "flowchart LR\n"


def test_the_problems_of_all_environments_are_reported_at_once(repository, capsys):
    repository.endpoint("name: chat")
    for name in ("dev", "prod"):
        repository.write(f"environments/{name}.yaml", f"workspace: {{}}\nunknown_{name}: 1\n")
    assert main(["graph", "-C", str(repository.root)]) == 1
    errors = capsys.readouterr().err
    assert "unknown_dev" in errors
    assert "unknown_prod" in errors


def test_a_value_is_taken_for_a_variable_that_one_environment_declares(repository, capsys):
    repository.endpoint("name: chat")
    for name, variables in (("dev", "variables: {size: 1}\n"), ("prod", "")):
        workspace = f"workspace: {{emulator: {name}.sqlite}}\nmanifests: [manifests/*.yaml]\n"
        repository.write(f"environments/{name}.yaml", workspace + variables)
    assert main(["graph", "-C", str(repository.root), "--var", "size=2"]) == 0
    assert "dev" in capsys.readouterr().out


def test_a_gradual_rollout_shows_its_steps(drawn):
    assert '"champion<br/>0 → 5 → 25 → 100 %"' in drawn(*example("rollout"))
    assert "champion  0 → 5 → 25 → 100 %" in drawn(*example("rollout"), "-o", "svg")
    nodes = json.loads(drawn(*example("rollout"), "-o", "json"))["nodes"]
    assert [node["steps"] for node in nodes if "steps" in node] == [[0, 5, 25, 100]]
