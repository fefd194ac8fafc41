"""Rollouts of served entities: names of versions, what is refused, and the metrics' text."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.model_serving_endpoints.rollout.metrics import samples_in
from provisioner.kinds.model_serving_endpoints.rollout.refusals import rollout
from provisioner.kinds.model_serving_endpoints.rollout.versions import new_name
from provisioner.model.rollout_block import stages_of


def endpoint(entities: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    block = {"steps": ["5%"], "analysis": {"metrics": [{"name": "errors", "max": "1%"}]}}
    return {"name": "chat", "config": {"served_entities": entities}, "rollout": block, **more}


def custom(name: str = "champion", version: str = "12", **more: Any) -> dict[str, Any]:
    return {"name": name, "entity_name": "main.a.b", "entity_version": version, **more}


def external(name: str = "champion", model: str = "gpt-5.1", **config: Any) -> dict[str, Any]:
    inner = {"name": model, "provider": "openai", "task": "llm/v1/chat", "openai_config": config}
    return {"name": name, "external_model": inner}


@pytest.mark.parametrize(
    ("entity", "name"),
    [
        (custom(), "champion-12"),
        (external(), "champion-gpt-5-1"),
        ({"name": "champion", "entity_name": "main.features.spec"}, "champion"),
    ],
)
def test_the_version_is_part_of_the_live_name(entity: dict[str, Any], name: str) -> None:
    assert new_name(entity, "champion") == name


def test_a_long_name_is_cut_and_stays_unique() -> None:
    names = {new_name(custom(version=version), "c" * 60) for version in ("12", "13", "1234567")}
    assert len(names) == 3
    assert max(map(len, names)) == 63


def test_another_size_of_the_same_version_gets_another_name() -> None:
    entity = custom(workload_size="Medium")
    name = new_name(entity, "champion", {"champion-12": custom(workload_size="Small")})
    assert name.startswith("champion-12-")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(endpoint([custom()]), None, id="one registered model"),
        pytest.param(endpoint([external()]), None, id="one external model"),
        pytest.param(
            {"name": "databricks-x", "existing": True, "rollout": {"steps": ["5%"]}},
            "E384",
            id="a pay-per-token endpoint",
        ),
        pytest.param(endpoint([custom(), external("b")]), "E384", id="mixed types"),
        pytest.param(
            endpoint([custom(f"e{number}") for number in range(15)]), "E384", id="15 entities"
        ),
        pytest.param(
            endpoint([external(openai_api_key_plaintext="${env.X}")]),
            "E384",
            id="a key that cannot be read back",
        ),
        pytest.param(endpoint([custom(), custom("b")]), "E385", id="it is not said which entity"),
        pytest.param(endpoint([{"entity_name": "main.a.b"}]), "E385", id="no name"),
    ],
)
def test_what_cannot_be_rolled_out_is_refused_offline(document: Any, code: str | None) -> None:
    assert [found.code for found in rollout(document)] == ([code] if code else [])


def test_an_entity_with_a_part_of_the_traffic_cannot_be_rolled_out() -> None:
    document = endpoint([custom(), custom("b")])
    document["rollout"]["entity"] = "champion"
    routes = [
        {"served_entity_name": "champion", "traffic_percentage": 80},
        {"served_entity_name": "b", "traffic_percentage": 20},
    ]
    document["config"]["traffic_config"] = {"routes": routes}
    (found,) = rollout(document)
    assert (found.code, "80 %" in found.message) == ("E384", True)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (["0%", "5% for 10m", "pause", "50%"], None),
        ([{"percent": 5, "for": "10m"}, {"pause": True}], None),
        (["fast"], "E380"),
        (["5%", "5%"], "E381"),
        (["50%", "25%"], "E381"),
        (["120%"], "E381"),
    ],
)
def test_steps_rise_and_can_be_read(steps: list[Any], code: str | None) -> None:
    document = endpoint([custom()])
    document["rollout"]["steps"] = steps
    assert [found.code for found in rollout(document)] == ([code] if code else [])


def test_both_forms_of_steps_mean_the_same() -> None:
    short = stages_of(["5% for 10m", "pause", "50% for 1h"])
    long = stages_of([{"percent": 5, "for": "10m"}, {"pause": True}, {"percent": 50, "for": "1h"}])
    assert short == long
    assert [stage.percent for stage in short] == [0, 5, 50, 100]
    assert [stage.pause for stage in short] == [False, True, False, False]


@pytest.mark.parametrize(
    ("metric", "code"),
    [
        ({"name": "errors", "max": "1%"}, None),
        ({"name": "errors"}, "E383"),
        ({"name": "slo", "from": "command"}, "E383"),
        ({"name": "slo", "from": "command", "run": ["./slo.py"]}, None),
        ({"name": "errors", "max": "1%", "run": ["./slo.py"]}, "E383"),
    ],
)
def test_a_metric_can_be_judged(metric: dict[str, Any], code: str | None) -> None:
    document = endpoint([custom()])
    document["rollout"]["analysis"]["metrics"] = [metric]
    assert [found.code for found in rollout(document)] == ([code] if code else [])


METRICS = """
# TYPE request_count_total gauge
request_count_total{endpoint_name="chat",served_model_name="a"} 100
request_count_total{endpoint_name="chat",served_model_name="b",replica="1"} 30
request_count_total{endpoint_name="chat",served_model_name="b",replica="2"} 20 1700000000000
request_5xx_count_total{endpoint_name="chat",served_model_name="b"} 5
request_latency_ms_bucket{endpoint_name="chat",served_model_name="b",le="100"} 50
request_latency_ms_bucket{endpoint_name="chat",served_model_name="b",le="200"} 100
request_latency_ms_bucket{endpoint_name="chat",served_model_name="b",le="+Inf"} 100
cpu_usage_percentage{served_model_name="b",replica="1"} 40
cpu_usage_percentage{served_model_name="b",replica="2"} 80
this is no line of metrics
"""


def test_metrics_are_read_for_each_entity() -> None:
    samples = {sample.version: sample for sample in samples_in(METRICS)}
    assert (samples["a"].requests, samples["a"].errors) == (100, 0)
    assert (samples["b"].requests, samples["b"].errors) == (50, 5)
    assert samples["b"].values["p50_ms"] == 100
    assert samples["b"].values["p99_ms"] == 198
    assert samples["b"].values["cpu_usage_percentage"] == 80


def test_metrics_without_a_label_are_of_the_endpoint() -> None:
    (sample,) = samples_in("request_count_total 7\n")
    assert (sample.version, sample.requests) == ("", 7)


def test_a_text_that_is_no_metrics_has_no_samples() -> None:
    assert samples_in("<html>sign in</html>") == ()
