"""Bundles of all shapes become projects that are valid and mean the same, or are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli import main

HOSTS = (
    "targets:\n"
    '  dev: {default: true, workspace: {host: "https://dev.example.com"}}\n'
    '  prod: {workspace: {host: "https://prod.example.com"}}\n'
)
SIZED = "workload_size: Small, scale_to_zero_enabled: true"


def entity(name: str = "x", model: str = "main.ml.a", version: str = '"1"') -> str:
    named = f"name: {name}, " if name else ""
    return f"{{{named}entity_name: {model}, entity_version: {version}, {SIZED}}}"


def endpoint(name: str = "ep", more: str = "", entities: str = "") -> str:
    config = f"config: {{served_entities: [{entities or entity()}]}}"
    return f'{{name: "{name}", {config}{", " + more if more else ""}}}'


def bundle(resources: str, rest: str = HOSTS, name: str = "b") -> str:
    return f"bundle: {{name: {name}}}\nresources:\n  model_serving_endpoints:\n{resources}{rest}"


def external(scope: str, key: str = "openai") -> str:
    config = f'openai_config: {{openai_api_key: "{{{{secrets/{scope}/{key}}}}}"}}'
    model = f"{{name: gpt-4o, provider: openai, task: llm/v1/chat, {config}}}"
    return f"{{name: gpt, external_model: {model}}}"


class Import:
    """An import into an empty folder, and what came of it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.project = root / "project"
        self.capsys = capsys
        self.project.mkdir()

    def run(self, text: str, *options: str, **files: str) -> tuple[int, str, str]:
        folder = self.root / "bundle"
        for name, content in {"databricks.yml": text, **files}.items():
            path = folder / name.replace("__", "/").replace("_yml", ".yml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        words = ["import", "-C", str(self.project), "--from-bundle", str(folder / "databricks.yml")]
        code = main([*words, *options])
        return code, *self.capsys.readouterr()

    def imported(self, text: str, *options: str, **files: str) -> str:
        """Import what has to succeed and be valid; what was said on stderr."""
        code, _, err = self.run(text, *options, **files)
        assert code == 0, err
        assert main(["validate", "-C", str(self.project)]) == 0, self.capsys.readouterr().err
        return err

    def resources(self, environment: str) -> dict[str, dict[str, Any]]:
        """The endpoints of an environment by key, as they would be planned."""
        self.capsys.readouterr()
        words = ["render", "-C", str(self.project), "-e", environment, "-o", "json"]
        assert main(words) == 0, self.capsys.readouterr().err
        found: dict[str, dict[str, Any]] = json.loads(self.capsys.readouterr().out)["resources"]
        return found

    def endpoints(self, environment: str) -> dict[str, Any]:
        return self.resources(environment).get("model_serving_endpoints", {})


@pytest.fixture
def importer(tmp_path, capsys):
    return Import(tmp_path, capsys)


HOST = 'description: "${workspace.host}"'
OTHER = "${resources.model_serving_endpoints.a.name}-2"
OF_A_SCOPE = "${resources.secret_scopes.s.name}"
SCOPE = '  secret_scopes: {s: {name: "s-${bundle.target}"}}\n'
COMPLEX = "variables: {cx: {type: complex, default: {team: ml}}}\n"


def one(part: str, rest: str = "", targets: str = HOSTS, key: str = "a") -> str:
    """A bundle with one endpoint."""
    return bundle(f"    {key}: {part}\n", rest + targets)


VALID = {
    "no targets": one(endpoint(), targets=""),
    "named by the bundle": one(endpoint("${bundle.name}-ep"), targets=""),
    "the older word for the target": one(endpoint("ep-${bundle.environment}")),
    "environments": one(endpoint(), targets=HOSTS.replace("targets", "environments")),
    "a variable": one(endpoint("${var.n}"), "variables: {n: {default: x}}\n"),
    "a field of a complex variable": one(endpoint("ep-${var.cx.team}"), COMPLEX),
    "the name of another endpoint": one(f"{endpoint()}\n    b: {endpoint(OTHER)}"),
    "empty keys": one(endpoint(more="tags: , description: ")),
    "a number for a tag": one(endpoint(more="tags: [{key: cost, value: 7}]")),
    "a reference as a key": one(endpoint(), "variables: {k: {default: a}}\n", key="${var.k}"),
    "sections for other resources": one(endpoint(), "sync: {include: [x]}\nscripts: {}\n"),
    "anchors": one(endpoint(), "x-common: &c {a: 1}\n"),
    "permissions": one(endpoint(), "permissions: [{level: CAN_RUN, group_name: g}]\n"),
    "a key of a scope": one(endpoint(entities=external("s")), "  secret_scopes: {s: {name: s}}\n"),
    "a scope by reference": one(endpoint(entities=external(OF_A_SCOPE)), SCOPE),
    "the host of the workspace": one(endpoint(more=HOST)),
}


@pytest.mark.parametrize("text", VALID.values(), ids=VALID.keys())
def test_a_bundle_becomes_a_project_that_is_valid(importer, text):
    importer.imported(text)


def test_endpoints_below_targets_are_of_their_environments_alone(importer):
    importer.imported(
        "bundle: {name: b}\ntargets:\n"
        '  dev:\n    workspace: {host: "https://dev.example.com"}\n'
        f"    resources: {{model_serving_endpoints: {{a: {endpoint('a-dev')}}}}}\n"
        '  prod:\n    workspace: {host: "https://prod.example.com"}\n'
        f"    resources: {{model_serving_endpoints: {{a: {endpoint('a-prod')}}}}}\n"
    )
    names = [importer.endpoints(one)["a"]["name"] for one in ("dev", "prod")]
    assert names == ["a-dev", "a-prod"]


def test_an_endpoint_of_one_target_is_in_no_other_environment(importer):
    prod = f"    resources: {{model_serving_endpoints: {{b: {endpoint('b-ep')}}}}}\n"
    importer.imported(
        bundle(
            f"    a: {endpoint('a-ep')}\n",
            'targets:\n  dev: {workspace: {host: "https://dev.example.com"}}\n'
            f'  prod:\n    workspace: {{host: "https://prod.example.com"}}\n{prod}',
        )
    )
    assert [set(importer.endpoints(one)) for one in ("dev", "prod")] == [{"a"}, {"a", "b"}]


def test_a_target_without_resources_gets_no_environment(importer):
    err = importer.imported(
        'bundle: {name: b}\ntargets:\n  dev: {workspace: {host: "https://dev.example.com"}}\n'
        '  prod:\n    workspace: {host: "https://prod.example.com"}\n'
        f"    resources: {{model_serving_endpoints: {{a: {endpoint()}}}}}\n"
    )
    assert "target `dev` contains no resource that provisioner manages" in err
    assert not (importer.project / "environments/dev.yaml").exists()


def split(*names: str) -> str:
    share = 100 // len(names)
    routes = [f"{{served_model_name: {name}, traffic_percentage: {share}}}" for name in names]
    return f"traffic_config: {{routes: [{', '.join(routes)}]}}"


def prod_with(part: str) -> str:
    return (
        'targets:\n  dev: {workspace: {host: "https://dev.example.com"}}\n'
        '  prod:\n    workspace: {host: "https://prod.example.com"}\n'
        f"    resources: {{model_serving_endpoints: {{a: {part}}}}}\n"
    )


def test_the_list_of_a_target_is_appended(importer):
    part = f"{{config: {{served_entities: [{entity('y', version='2')}], {split('x', 'y')}}}}}"
    importer.imported(bundle(f"    a: {endpoint()}\n", prod_with(part)))
    found = {
        one: [
            entity["name"] for entity in importer.endpoints(one)["a"]["config"]["served_entities"]
        ]
        for one in ("dev", "prod")
    }
    assert found == {"dev": ["x"], "prod": ["x", "y"]}


def test_entities_without_names_get_those_of_the_service_where_there_are_several(importer):
    part = f"{{config: {{served_entities: [{entity('', version='2')}], {split('a-1', 'a-2')}}}}}"
    importer.imported(bundle(f"    a: {endpoint(entities=entity(''))}\n", prod_with(part)))
    found = importer.endpoints("prod")["a"]["config"]["served_entities"]
    assert [one["name"] for one in found] == ["a-1", "a-2"]


def test_an_empty_value_of_a_target_removes_nothing(importer):
    importer.imported(
        bundle(f"    a: {endpoint(more='description: text')}\n", prod_with("{description: }"))
    )
    assert importer.endpoints("prod")["a"]["description"] == "text"


def test_old_words_of_a_target_are_translated(importer):
    part = (
        "{config: {traffic_config: {routes: [{served_model_name: x, traffic_percentage: '100'}]}}}"
    )
    importer.imported(bundle(f"    a: {endpoint()}\n", prod_with(part)))
    routes = importer.endpoints("prod")["a"]["config"]["traffic_config"]["routes"]
    assert routes == [{"served_entity_name": "x", "traffic_percentage": 100}]
    assert "served_model" not in (importer.project / "environments/prod.yaml").read_text()


def test_permissions_of_the_bundle_and_of_a_target_are_those_of_each_resource(importer):
    rest = (
        "  secret_scopes: {s: {name: s}}\n"
        "permissions:\n  - {level: CAN_MANAGE, group_name: platform}\n"
        "  - {level: CAN_RUN, group_name: everyone}\n"
        'targets:\n  dev: {workspace: {host: "https://dev.example.com"}}\n'
        '  prod:\n    workspace: {host: "https://prod.example.com"}\n'
        "    permissions: [{level: CAN_VIEW, group_name: auditors}]\n"
    )
    own = "permissions: [{level: CAN_QUERY, user_name: a@example.com}]"
    importer.imported(bundle(f"    a: {endpoint(more=own)}\n", rest))
    found = importer.endpoints("prod")["a"]["permissions"]
    assert found == [
        {"level": "CAN_QUERY", "user_name": "a@example.com"},
        {"level": "CAN_MANAGE", "group_name": "platform"},
        {"level": "CAN_QUERY", "group_name": "everyone"},
        {"level": "CAN_VIEW", "group_name": "auditors"},
    ]
    assert {"level": "CAN_VIEW", "group_name": "auditors"} not in (
        importer.endpoints("dev")["a"]["permissions"]
    )
    acls = importer.resources("prod")["secret_scopes"]["s"]["acls"]
    assert acls == [
        {"principal": "platform", "permission": "MANAGE"},
        {"principal": "auditors", "permission": "READ"},
    ]


def test_a_key_of_a_scope_that_an_endpoint_refers_to_is_declared(importer):
    scope = "${resources.secret_scopes.s.name}"
    text = bundle(
        f"    a: {endpoint(entities=external(scope))}\n",
        '  secret_scopes: {s: {name: "keys-${bundle.target}"}}\n' + HOSTS,
    )
    importer.imported(text)
    found = importer.resources("dev")["secret_scopes"]["s"]
    assert found == {"name": "keys-dev", "secrets": {"openai": {"from_env": "KEYS_OPENAI"}}}
    manifest = (importer.project / "manifests/s.yaml").read_text()
    assert "# A bundle cannot declare keys" in manifest


def test_a_development_target_beside_production_gets_the_prefix_of_the_cli(importer):
    err = importer.imported(
        bundle(
            f"    a: {endpoint()}\n",
            'targets:\n  dev: {mode: development, workspace: {host: "https://one.example.com"}}\n'
            '  prod: {mode: production, workspace: {host: "https://one.example.com"}}\n',
        )
    )
    environment = (importer.project / "environments/dev.yaml").read_text()
    assert 'name_prefix: "dev_${var.short_user_name}_"' in environment
    assert "set `short_user_name` in environments/dev.yaml to your user name" in err
    assert importer.endpoints("prod")["a"]["name"] == "ep"


def test_a_reference_to_a_name_has_the_prefix_too(importer):
    name = "${resources.model_serving_endpoints.a.name}"
    more = f'description: "beside {name}"'
    importer.imported(
        bundle(
            f"    a: {endpoint()}\n    b: {endpoint('other', more)}\n",
            'targets:\n  dev: {workspace: {host: "https://dev.example.com"}}\n'
            '  prod:\n    workspace: {host: "https://prod.example.com"}\n'
            '    presets: {name_prefix: "Team A: "}\n',
        )
    )
    found = importer.endpoints("prod")
    assert (found["a"]["name"], found["b"]["description"]) == ("team_aep", "beside team_aep")
    assert importer.endpoints("dev")["b"]["description"] == "beside ep"


def test_a_variable_that_a_target_sets_is_set_in_its_environment(importer):
    importer.imported(
        bundle(
            f"    a: {endpoint('ep-${var.n}')}\n",
            "variables: {n: {default: x}}\n"
            'targets:\n  dev: {workspace: {host: "https://dev.example.com"}}\n'
            '  prod: {workspace: {host: "https://prod.example.com"}, variables: {n: y}}\n',
        )
    )
    assert [importer.endpoints(one)["a"]["name"] for one in ("dev", "prod")] == ["ep-x", "ep-y"]


def test_a_variable_without_a_value_is_taken_from_the_environment(importer, monkeypatch):
    text = bundle(f"    a: {endpoint('ep-${var.n}')}\n", "variables: {n: {}}\n" + HOSTS)
    code, _, err = importer.run(text)
    assert code == 0, err
    assert "variable `n` has no default; its value in dev is taken from ${env.BUNDLE_VAR_n}" in err
    monkeypatch.setenv("BUNDLE_VAR_n", "given")
    assert importer.endpoints("dev")["a"]["name"] == "ep-given"


def test_included_files_are_read_once_and_comments_alone_are_nothing(importer):
    files = {
        "resources__a_yml": f"resources: {{model_serving_endpoints: {{a: {endpoint()}}}}}\n",
        "resources__b_yml": "# nothing here yet\n",
    }
    include = "bundle: {name: b}\ninclude: [resources/*.yml, resources/a.yml, nothing/*.yml]\n"
    importer.imported(include + HOSTS, **files)
    assert set(importer.endpoints("dev")) == {"a"}


REFUSED = [
    pytest.param("include: [/nowhere/*.yml]\n", "E840", "databricks.yml:2:11", id="absolute"),
    pytest.param("include: [missing.yml]\n", "E840", "databricks.yml:2:11", id="missing"),
    pytest.param("include: [notes.txt_yml, other_file]\n", "E840", "databricks.yml:2:11",
                 id="missing among others"),
    pytest.param("targets: {dev: {}}\n", "E837", "", id="nothing to import"),
]  # fmt: skip


@pytest.mark.parametrize(("rest", "code", "place"), REFUSED)
def test_a_bundle_that_the_cli_refuses_is_refused_at_its_line(importer, rest, code, place):
    status, _, err = importer.run(f"bundle: {{name: b}}\n{rest}")
    assert status == 1
    assert f"error[{code}]" in err
    assert place in err


def test_a_resource_that_two_files_declare_is_refused(importer):
    one = f"resources: {{model_serving_endpoints: {{a: {endpoint()}}}}}\n"
    status, _, err = importer.run("bundle: {name: b}\ninclude: ['*.yml']\n", a_yml=one, b_yml=one)
    assert status == 1
    assert "declared in two files of the bundle" in err
    assert "a.yml:1:" in err


WRONG = [
    pytest.param(endpoint(more="descripton: x"), "E104", "4:", id="an unknown field"),
    pytest.param("{config: {served_entities: [" + entity() + "]}}", "E106", "4:", id="no name"),
    pytest.param(endpoint("${resources.jobs.j.id}"), "E121", "4:", id="the id of a job"),
    pytest.param(endpoint("${var.gone}"), "E215", "4:", id="a variable that does not exist"),
    pytest.param(endpoint(entities=f"{entity()}, {entity()}"), "", "", id="entities of one name"),
]


@pytest.mark.parametrize(("part", "code", "place"), WRONG)
def test_what_would_not_be_valid_is_reported_at_the_line_of_the_bundle(importer, part, code, place):
    status, _, err = importer.run(bundle(f"    a: {part}\n"))
    if not code:
        assert status == 0, err
        return
    assert status == 1
    assert f"error[{code}]" in err
    assert f"databricks.yml:{place}" in err
    assert not list(importer.project.iterdir())


def test_a_mistake_below_a_target_is_reported_there(importer):
    status, _, err = importer.run(bundle(f"    a: {endpoint()}\n", prod_with("{description: [1]}")))
    assert status == 1
    assert "databricks.yml:9:" in err


def test_no_reference_is_part_of_the_name_of_a_file(importer):
    err = importer.imported(
        bundle(f"    ${{var.k}}: {endpoint()}\n", "variables: {k: {default: a}}\n" + HOSTS)
    )
    names = [path.name for path in (importer.project / "manifests").iterdir()]
    assert names == ["k.yaml"]
    assert "unbind '${var.k}' -t dev" in err


def test_a_place_of_its_own_for_manifests_is_said_in_the_environments(importer):
    importer.imported(bundle(f"    a: {endpoint()}\n"), "--to", "serving/{key}.yaml")
    assert set(importer.endpoints("dev")) == {"a"}


def test_the_next_command_names_the_folder_of_the_project(importer):
    _, _, err = importer.run(bundle(f"    a: {endpoint()}\n"))
    assert f"next: provisioner validate -C {importer.project}\n" in err
