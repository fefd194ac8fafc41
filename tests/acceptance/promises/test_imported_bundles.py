"""A bundle that the Databricks CLI deployed is adopted by its import without a change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles import ENDPOINTS, MODELS, SCOPES, Document, bundles, deployed
from hypothesis import given
from proofs import examples
from strategies import KEYS
from workbench import Workbench, differences, paths, workbench

from provisioner.commands.importing.draft import write
from provisioner.commands.importing.from_bundle import import_bundle
from provisioner.errors import FileError
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import WorkspaceSettings, environment_names, read_environment
from provisioner.model.plan import Action, Plan
from provisioner.workflow.plan import make_plan
from provisioner.workflow.project import Project
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

pytestmark = pytest.mark.proof("import")
ENDPOINTS_API = "/api/2.0/serving-endpoints"
OWNERSHIP = "provisioner_"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with workbench(tmp_path_factory.mktemp("bundles")) as made:
        yield made


def deploy(bench: Workbench, resources: dict[str, list[Document]]) -> None:
    """Create what the CLI creates, with the calls that it makes."""
    bench.empty(KEYS)
    for scope in resources.get(SCOPES, ()):
        bench.call("POST", "/api/2.0/secrets/scopes/create", {"scope": scope["name"]})
        for grant in scope.get("permissions", ()):
            body = {"scope": scope["name"], "principal": principal(grant)}
            bench.call("POST", "/api/2.0/secrets/acls/put", body | {"permission": grant["level"]})
    for model in resources.get(MODELS, ()):
        for kind in ("catalogs", "schemas"):
            namespace = {"name": model["schema_name"], "catalog_name": model["catalog_name"]}
            if kind == "catalogs":
                namespace = {"name": model["catalog_name"]}
            bench.call("POST", f"/api/2.1/unity-catalog/{kind}", namespace)
        bench.call("POST", "/api/2.1/unity-catalog/models", model)
    for endpoint in resources.get(ENDPOINTS, ()):
        grants = endpoint.pop("permissions", [])
        made = bench.call("POST", ENDPOINTS_API, endpoint)
        if grants:
            acl = [
                {**grant, "permission_level": level}
                for grant in grants
                for level in [grant.pop("level")]
            ]
            path = f"/api/2.0/permissions/serving-endpoints/{made['id']}"
            bench.call("PATCH", path, {"access_control_list": acl})
    bench.forget()


def principal(grant: Document) -> Any:
    return next(value for name, value in grant.items() if name != "level")


def planned(bench: Workbench, root: Path, name: str) -> Plan:
    environment = read_environment(root, name)
    environment = replace(environment, workspace=WorkspaceSettings(host=bench.server.url))
    loaded = load(root, environment, KINDS)
    started = Session(
        Project(root, "shop"), environment, loaded, bench.connection, {}, bench.server.url, ""
    )
    return make_plan(replace(started, drivers=started.new_drivers()), PlanOptions())


def imported(root: Path, bundle: Document) -> Path | None:
    """The folder of the imported project; None where the import refuses the bundle."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "project").mkdir(parents=True)
    file = root / "databricks.yml"
    file.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    try:
        made = import_bundle(root / "project", file, "manifests/{key}.yaml")[1]
    except FileError:
        return None
    write(root / "project", made.files.values())
    return root / "project"


@given(bundles())
@examples(quick=12, full=1500)
def test_an_imported_bundle_adopts_what_the_cli_deployed_and_changes_nothing(
    bench: Workbench, bundle: Document
) -> None:
    project = imported(bench.root / "bundle", bundle)
    if project is None:
        return
    for name in environment_names(project):
        has_targets = bundle.get("targets") or bundle.get("environments")
        deploy(bench, deployed(bundle, name if has_targets else "default"))
        plan = planned(bench, project, name)
        found = {
            str(step.address): (step.action, [p for p in paths(differences(step)) if own(p)])
            for step in plan.steps
        }
        assert found == {
            address: (Action.KEEP if address.startswith(SCOPES) else Action.ADOPT, [])
            for address in found
        }
        names = {one["name"] for one in deployed(bundle, name)[ENDPOINTS]}
        assert {
            step.name for step in plan.steps if str(step.address).startswith(ENDPOINTS)
        } == names


def own(path: str) -> bool:
    return OWNERSHIP not in path
