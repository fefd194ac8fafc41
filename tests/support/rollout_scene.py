"""An endpoint with a gradual rollout on a local workspace, and what happens to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MANIFEST = """
name: fraud
config:
  served_entities:
    - name: champion
      entity_name: main.risk.card_payments
      entity_version: "{version}"
      workload_size: Small
      scale_to_zero_enabled: false
checks:
  - name: answers
    dataframe_records: [{{amount: 12.5}}]
rollout:
  steps: [5% for 10m, 25% for 30m]
  analysis:
    observe: 1m
    metrics:
      - {{name: errors, max: 1%, min_requests: 20}}
  keep_previous: 24h
"""


class Scene:
    """The endpoint ``fraud``, and what happens to it."""

    def __init__(self, repository: Any, workspace: Any, run: Callable[..., Any]) -> None:
        self.repository, self.workspace, self.run = repository, workspace, run

    def declare(self, version: int, manifest: str = MANIFEST) -> None:
        self.repository.endpoint(manifest.format(version=version))

    def start(self, version: int = 12) -> Any:
        self.declare(version)
        return self.run("apply", "-y")

    def later(self, seconds: int) -> None:
        self.workspace.call("POST", "/__emulator__/clock", {"advance_s": seconds})

    def ask(self, times: int = 200, entity: str = "") -> list[int]:
        """Ask the endpoint, or one version of it; returns the statuses that were not 200."""
        middle = f"/served-models/{entity}" if entity else ""
        path = f"/serving-endpoints/fraud{middle}/invocations"
        failed = []
        for _ in range(times):
            try:
                self.workspace.call("POST", path, {"dataframe_records": [{"amount": 1}]})
            except OSError as error:
                failed.append(getattr(error, "code", 0))
        return failed

    def fail(self, entity: str, percent: int) -> None:
        rule = {
            "path": f"/__provider__/fraud/{entity}",
            "times": 0,
            "percent": percent,
            "action": {"status": 500},
        }
        self.workspace.call("POST", "/__emulator__/faults", {"rules": [rule]})

    def divide(self, shares: dict[str, int]) -> None:
        """Change the traffic by hand, as another program would."""
        config = self.workspace.endpoint("fraud")["config"]
        fields = ("name", "entity_name", "entity_version", "workload_size", "scale_to_zero_enabled")
        entities = [
            {field: entity[field] for field in fields}
            for entity in config["served_entities"]
            if entity["name"] in shares
        ]
        routes = [
            {"served_model_name": name, "traffic_percentage": share}
            for name, share in shares.items()
        ]
        body = {"served_entities": entities, "traffic_config": {"routes": routes}}
        self.workspace.call("PUT", "/api/2.0/serving-endpoints/fraud/config", body)

    def untag(self) -> None:
        """Remove the tag of the rollout by hand."""
        body = {"delete_tags": ["provisioner_rollout"]}
        self.workspace.call("PATCH", "/api/2.0/serving-endpoints/fraud/tags", body)

    @property
    def traffic(self) -> dict[str, int]:
        config = self.workspace.endpoint("fraud")["config"]
        served = [entity["name"] for entity in config["served_entities"]]
        routes = {
            route["served_model_name"]: route["traffic_percentage"]
            for route in config["traffic_config"]["routes"]
        }
        return {name: routes.get(name, 0) for name in served}

    @property
    def tag(self) -> str:
        tags = {tag["key"]: tag["value"] for tag in self.workspace.endpoint("fraud")["tags"]}
        return str(tags.get("provisioner_rollout", ""))

    @property
    def status(self) -> dict[str, Any]:
        (found,) = self.run("rollout", "status", "-o", "json").json["rollouts"]
        return dict(found)
