"""Configurations as strangers write them, by the kinds of fault that such configurations showed.

Each case is data below `tests/support/wild`, with what is expected of it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.cli import main
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

DATA = Path(__file__).parents[1] / "support" / "wild"
Case = dict[str, Any]


def cases(file: str) -> list[Any]:
    loaded = yaml.safe_load((DATA / f"{file}.yaml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in loaded]


class Scene:
    """A folder of a bundle, a folder of a project, and the command."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.bundle, self.project = root / "bundle", root / "project"
        self.capsys = capsys
        (self.project / "manifests").mkdir(parents=True)
        self.bundle.mkdir()

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main([words[0], "-C", str(self.project), *words[1:]])
        return code, *self.capsys.readouterr()

    def write(self, folder: Path, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def manifest(self, text: str) -> None:
        files = {"provisioner.yaml": "project: wild\n", "manifests/m.yaml": text}
        self.write(self.project, files)

    def findings(self) -> tuple[int, list[Any]]:
        code, out, err = self.run("validate", "-o", "json")
        assert out, err
        diagnostics: list[Any] = json.loads(out)["diagnostics"]
        return code, diagnostics

    def resources(self, environment: str) -> Any:
        code, out, err = self.run("render", "-e", environment, "-o", "json")
        assert code == 0, err
        return json.loads(out)["resources"]


@pytest.fixture
def scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scene:
    return Scene(tmp_path, capsys)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings()) as started:
        yield started


def call(server: Running, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    headers = {"authorization": f"Bearer {server.token}"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body or {}).encode(), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; a number is a place of a list."""
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


ENTITY = {
    "name": "x",
    "entity_name": "main.ml.a",
    "entity_version": "1",
    "workload_size": "Small",
    "scale_to_zero_enabled": True,
}


def endpoint_of(case: Case) -> Case:
    entity = ENTITY | case.get("entity", {})
    entity = {name: value for name, value in entity.items() if value is not None}
    return {"name": "a-ep", "config": {"served_entities": [entity]}, **case.get("endpoint", {})}


@pytest.mark.parametrize("case", cases("a_rules_of_the_service"))
def test_validate_and_the_local_workspace_have_the_rules_of_the_service(
    scene: Scene, server: Running, case: Case
) -> None:
    endpoint = endpoint_of(case)
    scene.manifest(yaml.safe_dump({"resources": {"model_serving_endpoints": {"a": endpoint}}}))
    code, diagnostics = scene.findings()
    assert [finding["code"] for finding in diagnostics] == case["codes"]
    assert code == int(any(name.startswith("E") for name in case["codes"]))
    call(server, "POST", "/__emulator__/reset")
    status, answer = call(server, "POST", "/api/2.0/serving-endpoints", endpoint)
    assert status == case["status"], answer


def below_a(text: str) -> str:
    """The text of an endpoint as the resource `a` of a manifest."""
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    return f"resources:\n  model_serving_endpoints:\n    a:\n{lines}"


@pytest.mark.parametrize("case", cases("b_values"))
def test_values_are_read_as_the_databricks_cli_reads_them(scene: Scene, case: Case) -> None:
    scene.manifest(below_a(case["manifest"]))
    _, diagnostics = scene.findings()
    assert [finding["code"] for finding in diagnostics] == case["codes"]
    if "is" in case:
        endpoint = scene.resources("local")["model_serving_endpoints"]["a"]
        assert {path: at(endpoint, path) for path in case["is"]} == case["is"]


BUNDLES = ("c_valid_bundles", "d_meaning", "met_bundles")


@pytest.mark.parametrize("case", [case for file in BUNDLES for case in cases(file)])
def test_a_bundle_becomes_a_valid_project_that_means_the_same_or_is_refused(
    scene: Scene, case: Case
) -> None:
    scene.write(scene.bundle, {"databricks.yml": case["bundle"], **case.get("files", {})})
    code, _, err = scene.run("import", "--from-bundle", str(scene.bundle / "databricks.yml"))
    if "refused" in case:
        assert (code, f"error[{case['refused']}]" in err) == (1, True), err
        assert "databricks.yml:" in err
        return
    assert code == 0, err
    assert [words for words in case.get("says", ()) if words not in err] == []
    for environment, wanted in case["is"].items():
        code, _, err = scene.run("validate", "-e", environment)
        assert code == 0, err
        resources = scene.resources(environment)
        assert {path: at(resources, path) for path in wanted} == wanted


@pytest.mark.parametrize("case", [*cases("e_messages"), *cases("met_manifests")])
def test_a_message_names_its_field_and_its_hint_can_be_followed(scene: Scene, case: Case) -> None:
    text = case["whole"] if "whole" in case else below_a(case["manifest"])
    scene.manifest(text)
    _, diagnostics = scene.findings()
    assert [finding["code"] for finding in diagnostics] == case["codes"]
    _, _, err = scene.run("validate")
    assert [words for words in case.get("says", ()) if words not in err] == [], err
    assert [words for words in case.get("never", ()) if words in err] == [], err
    if "fix" in case:
        old, new = case["fix"]
        assert old in text
        scene.manifest(text.replace(old, new))
        assert scene.findings() == (0, [])


@pytest.mark.parametrize("case", cases("f_preflight"))
def test_preflight_says_what_is_missing_and_what_it_could_not_look_at(
    scene: Scene, server: Running, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(server, "POST", "/__emulator__/reset")
    for method, path, body in case["calls"]:
        status, answer = call(server, method, path, body)
        assert status < 300, answer
    token = server.token
    if "login" in case:
        _, login = call(server, "POST", "/__emulator__/principals", {"name": case["login"]})
        token = login["token"]
    monkeypatch.setenv("DATABRICKS_TOKEN", token)
    scene.manifest(yaml.safe_dump({"resources": case["resources"]}))
    environment = f"workspace: {{host: '{server.url}'}}\n"
    scene.write(scene.project, {"environments/dev.yaml": environment})
    code, out, err = scene.run("plan", "-e", "dev", "--preflight")
    words = out + err
    assert code == case["exit"], words
    assert [each for each in case["says"] if each not in words] == [], words
    assert [each for each in case.get("never", ()) if each in words] == [], words
    _, out, _ = scene.run("plan", "-e", "dev", "--preflight", "-o", "json")
    diagnostics = json.loads(out)["preflight"]["diagnostics"]
    assert [each["code"] for each in diagnostics if each["severity"] == "error"] == case["lacks"]
