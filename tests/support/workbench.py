"""One local workspace, and the tool's own workflow on it without files of a user or a process.

Everything is real but the clock, which never sleeps: manifests go through the loader, plans
through the guard, calls through the connection to a server that answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skipping_clock import SkippingClock

from provisioner.applying.executor import Hooks, Options
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, GuardLimits, WorkspaceSettings
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.outcome import Outcome
from provisioner.model.paths import path_text
from provisioner.model.plan import Action, FieldChange, Plan, Step
from provisioner.planning.guard import Consent
from provisioner.workflow.apply import apply as workflow_apply
from provisioner.workflow.apply import refuse_unsafe
from provisioner.workflow.plan import make_plan
from provisioner.workflow.project import Project
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session
from provisioner.workspace import WorkspaceTarget, connect

TOKEN = "dapi-workbench"
ENDPOINTS = "/api/2.0/serving-endpoints"
CATALOG = "/api/2.1/unity-catalog"

Documents = Mapping[str, Mapping[str, Any]]
"""``resources:`` of a manifest: kind name, then key."""


@dataclass(frozen=True)
class Workbench:
    """A workspace, and what the tool would do about manifests in it."""

    server: Running
    connection: Connection
    root: Path
    clock: SkippingClock = field(default_factory=SkippingClock)

    def empty(self, secrets: Mapping[str, Iterable[str]]) -> None:
        """Forget everything; then there are these scopes with these keys."""
        self.call("POST", "/__emulator__/reset", {})
        for scope, keys in secrets.items():
            self.call("POST", "/api/2.0/secrets/scopes/create", {"scope": scope})
            for key in keys:
                body = {"scope": scope, "key": key, "string_value": "not-a-key"}
                self.call("POST", "/api/2.0/secrets/put", body)
        self.forget()

    def catalog(self) -> None:
        """Forget everything; then there is what objects of Unity Catalog may refer to.

        The schema ``main.gw`` with the secrets ``one`` and ``two``, the provider services and
        endpoints ``first`` and ``second``, and the model ``thing`` with two versions.
        """
        self.empty({})
        self.call("POST", f"{CATALOG}/catalogs", {"name": "main"})
        self.call("POST", f"{CATALOG}/schemas", {"name": "gw", "catalog_name": "main"})
        for name in ("one", "two"):
            body = {"catalog_name": "main", "schema_name": "gw", "name": name, "value": "x"}
            self.call("POST", f"{CATALOG}/secrets", body)
        key = {"secret_reference": {"name": "secrets/main.gw.one"}}
        config = {
            "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
            "openai": {"direct": {"api_key": key}},
            "allow_all_targets": True,
        }
        entity = {"name": "a", "entity_name": "system.ai.a", "entity_version": "1"}
        throughput = entity | {"min_provisioned_throughput": 0, "max_provisioned_throughput": 100}
        for name in ("first", "second"):
            query = f"parent=schemas/main.gw&model_provider_service_id={name}"
            self.call("POST", f"{CATALOG}/model-provider-services?{query}", {"config": config})
            body = {"name": name, "config": {"served_entities": [throughput]}}
            self.call("POST", ENDPOINTS, body)
        for version in (1, 2):
            model = {"full_name": "main.gw.thing", "version": version}
            self.call("POST", "/__emulator__/models", model)
        self.forget()

    def session(self, documents: Documents) -> Session:
        """What the tool knows after it has read ``documents`` from a file.

        Raises FileError where they are no valid manifest.
        """
        folder = self.root / "manifests"
        folder.mkdir(exist_ok=True)
        # JSON is YAML too, and to write it takes a tenth of the time.
        text = json.dumps({"resources": documents}, ensure_ascii=False, indent=1)
        (folder / "all.yaml").write_text(text, encoding="utf-8")
        environment = Environment(
            "dev", WorkspaceSettings(host=self.server.url), guard=GuardLimits(100, 1000)
        )
        loaded = load(self.root, environment, KINDS)
        project = Project(self.root, "shop")
        started = Session(
            project, environment, loaded, self.connection, {}, self.server.url, git_commit=""
        )
        return replace(started, drivers=started.new_drivers())

    def plan(self, documents: Documents, **wanted: Any) -> Plan:
        return make_plan(self.session(documents), PlanOptions(**wanted))

    def apply(self, documents: Documents, **wanted: Any) -> tuple[Plan, tuple[Outcome, ...]]:
        """Plan and carry out with consent to everything. Raises what the command would."""
        session = self.session(documents)
        plan = make_plan(session, PlanOptions(**wanted))
        refuse_unsafe(session, plan, consent_to(plan))
        outcomes = workflow_apply(
            session, plan, Options(parallelism=4, timeout_s=600), Hooks(clock=self.clock)
        )
        return plan, outcomes

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the workspace as any other client would."""
        if method == "GET":
            return self.connection.get(path)
        return self.connection.send(method, path, body, repeatable=True)

    def endpoint(self, name: str) -> Any:
        return self.call("GET", f"{ENDPOINTS}/{name}")

    def writes(self) -> list[dict[str, Any]]:
        """The requests since the last ``forget`` that change something, in order."""
        log = self.call("GET", "/__emulator__/requests")["requests"]
        return [entry for entry in log if entry["method"] != "GET"]

    def forget(self) -> None:
        self.call("POST", "/__emulator__/reset", {"what": "log"})


@contextmanager
def workbench(root: Path, *, keeps_omitted_traffic: bool = False) -> Iterator[Workbench]:
    # This tool never needs a form that no one has seen the service take: `strict` refuses those.
    settings = Settings(token=TOKEN, keeps_omitted_traffic=keeps_omitted_traffic, strict=True)
    with (
        running(settings) as server,
        connect(
            WorkspaceTarget(host=server.url, token=TOKEN), {}, "provisioner-tests/1"
        ) as connection,
    ):
        yield Workbench(server, connection, root)


def consent_to(plan: Plan) -> Consent:
    """A yes to all that the plan does."""
    addresses = frozenset(str(step.address) for step in plan.steps)
    return Consent(yes=True, adopt=True, allow_replace=addresses, allow_delete=addresses)


def differences(step: Step) -> tuple[FieldChange, ...]:
    """The changes that are not left alone."""
    return tuple(change for change in step.changes if change.action is not Action.KEEP)


def paths(changes: Iterable[FieldChange]) -> list[str]:
    return [path_text(change.path) for change in changes]


def writable_fields(rule: FieldRule, place: str = "") -> Iterator[str]:
    """The fields of a kind that hold a value: ``config.served_entities.entity_version``."""
    if not rule.fields:
        yield place
    for name, inner in rule.fields.items():
        yield from writable_fields(inner, f"{place}.{name}" if place else name)


def left_to_do(plan: Plan) -> dict[str, list[str]]:
    """Address to paths for each step that is not a keep; empty after an apply."""
    return {
        str(step.address): paths(differences(step)) or [step.reason]
        for step in plan.steps
        if step.action is not Action.KEEP
    }
