"""From the files of an environment to its resources, or to all that is wrong with them."""

from __future__ import annotations

import copy
import gc
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.errors import FileError, Severity
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.manifests.yaml.source import parse
from provisioner.model.paths import Key, path_text
from provisioner.model.plan import Address

CHAT = """\
resources:
  model_serving_endpoints:
    chat:
      name: chat
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config:
                openai_api_key: "{{secrets/keys/openai}}"
"""
SCOPE = """\
resources:
  secret_scopes:
    keys:
      name: keys
      secrets:
        openai: {from_env: OPENAI_API_KEY}
"""


@pytest.fixture
def project(tmp_path):
    return Folder(tmp_path)


class Folder:
    """A project's folder with manifests in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, text: str, name: str = "manifests/a.yaml") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def load(self, *patterns: str):
        environment = Environment("dev", WorkspaceSettings(), patterns or ("manifests/**/*.yaml",))
        return load(self.root, environment, KINDS)

    def problems(self, *patterns: str):
        with pytest.raises(FileError) as caught:
            self.load(*patterns)
        return caught.value.problems

    def problem(self, text: str):
        self.write(text)
        (problem,) = self.problems()
        return problem


def changed(old: str, new: str, text: str = CHAT) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_what_is_declared_comes_back_sorted_by_address(project):
    project.write(SCOPE, "manifests/z/scope.yaml")
    project.write(CHAT, "manifests/chat.yaml")
    loaded = project.load()
    assert loaded.files == ("manifests/chat.yaml", "manifests/z/scope.yaml")
    assert loaded.warnings == ()
    chat, keys = loaded.resources
    assert chat.address == Address("model_serving_endpoints", "chat")
    assert (chat.name, str(chat.where)) == ("chat", "manifests/chat.yaml:3:5")
    assert chat.document["config"]["served_entities"][0]["external_model"]["name"] == "gpt-4o"
    assert keys.document == {"name": "keys", "secrets": {"openai": {"from_env": "OPENAI_API_KEY"}}}


def test_the_lifecycle_is_taken_out_of_the_document(project):
    settings = "{prevent_destroy: true, ignore_changes: [ai_gateway.guardrails, 'tags[team]']}"
    project.write(f"{CHAT}      lifecycle: {settings}\n")
    (chat,) = project.load().resources
    assert "lifecycle" not in chat.document
    assert chat.prevent_destroy
    assert list(map(path_text, chat.ignore_changes)) == ["ai_gateway.guardrails", "tags[team]"]


IGNORED = [
    pytest.param("ai_gatewy.guardrails", "did you mean `ai_gateway`?", id="a typo"),
    pytest.param(
        "'description[x]'", "the field before `[x]` has no entries", id="entries of a text"
    ),
    pytest.param("'tags['", "write it like", id="no path at all"),
    pytest.param("''", "write it like", id="nothing, which would be everything"),
]


@pytest.mark.parametrize(("path", "hint"), IGNORED)
def test_a_path_that_would_ignore_nothing_is_refused(project, path, hint):
    problem = project.problem(f"{CHAT}      lifecycle: {{ignore_changes: [{path}]}}\n")
    assert (problem.code, str(problem.where)) == ("E122", "manifests/a.yaml:14:36")
    assert hint in problem.hint


def test_an_entry_of_a_free_mapping_is_named_in_brackets(project):
    project.write(f"{SCOPE}      lifecycle: {{ignore_changes: ['secrets[openai]']}}\n")
    assert project.load().resources[0].ignore_changes == (("secrets", Key("openai")),)
    problem = project.problem(f"{SCOPE}      lifecycle: {{ignore_changes: [secrets.openai]}}\n")
    assert problem.hint == "write `[openai]` instead of `.openai`"


PLAIN = '                openai_api_key: "{{secrets/keys/openai}}"\n'


def test_plaintext_from_the_environment_becomes_a_reference_to_a_secret(project):
    text = "                openai_api_key_plaintext: ${env.OPENAI_API_KEY}\n"
    project.write(changed(PLAIN, text))
    (chat,) = project.load().resources
    config = chat.document["config"]["served_entities"][0]["external_model"]["openai_config"]
    assert config == {"openai_api_key_plaintext": {"$secret": {"from_env": "OPENAI_API_KEY"}}}


def test_an_escaped_reference_is_plain_text(project):
    project.write(CHAT + "      description: costs $${env.X} or $5\n")
    (chat,) = project.load().resources
    assert chat.document["description"] == "costs ${env.X} or $5"


@pytest.mark.parametrize(
    "literal",
    [
        pytest.param("sk-canary", id="a key"),
        pytest.param("${env.X}-canary", id="a reference with something behind it"),
        pytest.param("${env.canary-1}", id="a reference to no variable"),
        pytest.param("|\n                  sk-canary", id="a block of text"),
    ],
)
def test_plaintext_in_a_file_is_refused_and_not_shown(project, literal):
    quoted = literal if literal.startswith("|") else f'"{literal}"'
    problem = project.problem(
        changed(PLAIN, f"                openai_api_key_plaintext: {quoted}\n")
    )
    assert (problem.code, str(problem.where)) == ("E308", "manifests/a.yaml:13:43")
    assert problem.message == "`openai_api_key_plaintext` must not be a literal value in a file"
    assert 'openai_api_key: "{{secrets/SCOPE/KEY}}"' in problem.hint
    assert "${env.NAME}" in problem.hint
    assert problem.excerpt == "                openai_api_key_plaintext: ***"
    assert "canary" not in str(problem)


def test_a_reference_in_the_wrong_field_is_refused_and_shown(project):
    reference = '"{{secrets/keys/openai}}"'
    problem = project.problem(changed("openai_api_key:", "openai_api_key_plaintext:"))
    assert problem.code == "E308"
    assert reference in problem.excerpt


MISPLACED = [
    pytest.param("name: ${env.X}", "`${env.X}` is not allowed here", id="the environment"),
    pytest.param("name: chat-${env.X}", "`${env.X}` is not allowed here", id="and in a part"),
    pytest.param(
        "name: ${vars.x}", "`${vars.x}` is not a valid reference", id="a word nobody knows"
    ),
    pytest.param("name: ${x", "`${x` is not a complete reference", id="an open brace"),
]


@pytest.mark.parametrize(("field", "message"), MISPLACED)
def test_a_reference_elsewhere_is_refused_once(project, field, message):
    problem = project.problem(changed("name: chat", field))
    assert (problem.code, str(problem.where)) == ("E121", "manifests/a.yaml:4:13")
    assert problem.message.startswith(message)


# text, code, place, subject, part of the message
BAD = [
    pytest.param(
        changed("provider: openai", "providr: openai"),
        "E104 10:15 model_serving_endpoints.chat, served entity gpt",
        id="an unknown field, below an entry with a name",
    ),
    pytest.param(
        changed("name: gpt\n            external_model", "external_modl"),
        "E104 7:13 model_serving_endpoints.chat, served entity 1",
        id="an entry without a name is counted",
    ),
    pytest.param(
        CHAT + "      tags: [{key: team, value: [3]}]\n",
        "E105 14:33 model_serving_endpoints.chat, tag team",
        id="an entry by its key",
    ),
    pytest.param(
        changed("              task: llm/v1/chat\n", ""),
        "E106 8:13 model_serving_endpoints.chat, served entity gpt",
        id="a missing field at the mapping that needs it",
    ),
    pytest.param("- a\n", "E105 1:1 ", id="a list at the top"),
    pytest.param("a\n", "E105 1:1 ", id="a word at the top"),
    pytest.param("x-anchors: {}\n", "E106 1:1 ", id="no resources"),
    pytest.param("resource: {}\nresources: {}\n", "E104 1:1 ", id="an unknown field at the top"),
    pytest.param("resources:\n", "E105 1:1 ", id="empty resources"),
    pytest.param("resources: []\n", "E105 1:12 ", id="a list of resources"),
    pytest.param(
        "resources:\n  model_serving_endpoint: {}\n", "E205 2:3 ", id="a kind that nobody knows"
    ),
    pytest.param("resources:\n  secret_scopes:\n", "E105 2:3 ", id="a kind without resources"),
    pytest.param(
        "resources:\n  secret_scopes:\n    keys:\n", "E105 3:5 ", id="a resource without fields"
    ),
    pytest.param(
        "resources:\n  secret_scopes:\n    a.b: {name: x}\n", "E109 3:5 ", id="a dot in a key"
    ),
    pytest.param(
        SCOPE.replace("{from_env: OPENAI_API_KEY}", "sk-canary"),
        "E105 6:17 secret_scopes.keys",
        id="a value where its source should be",
    ),
    pytest.param("a: 1\na: 2\n", "E103 2:1 ", id="what YAML itself forbids"),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_a_bad_manifest(project, text, expected):
    problem = project.problem(text)
    where = problem.where
    assert f"{problem.code} {where.line}:{where.column} {problem.subject}" == expected
    assert where.file == "manifests/a.yaml"
    assert problem.severity is Severity.ERROR
    assert "canary" not in str(problem)


KIND_HINTS = [
    pytest.param("model_serving_endpoint", "did you mean `model_serving_endpoints`?", id="a typo"),
    pytest.param("job", "did you mean `jobs`?", id="nearly a kind of bundles"),
    pytest.param(
        "zebras", "the kinds are " + ", ".join(f"`{name}`" for name in KINDS), id="no idea"
    ),
]


@pytest.mark.parametrize(("kind", "hint"), KIND_HINTS)
def test_the_hint_for_an_unknown_kind(project, kind, hint):
    assert project.problem(f"resources: {{{kind}: {{}}}}\n").hint == hint


def test_kinds_of_bundles_are_left_out_with_a_note(project):
    project.write(CHAT + "  jobs:\n    nightly: {whatever: 3}\n")
    loaded = project.load()
    assert [str(resource.address) for resource in loaded.resources] == [
        "model_serving_endpoints.chat"
    ]
    (note,) = loaded.warnings
    assert (note.code, note.severity, str(note.where)) == (
        "W701",
        Severity.NOTE,
        "manifests/a.yaml:14:3",
    )


def test_anchors_may_stand_below_free_keys_at_the_top(project):
    project.write(
        "x-keys: &keys\n  openai: {from_env: K}\n"
        + SCOPE.replace("\n        openai: {from_env: OPENAI_API_KEY}", " *keys")
    )
    (keys,) = project.load().resources
    assert keys.document["secrets"] == {"openai": {"from_env": "K"}}


def test_all_problems_of_all_files_come_at_once_in_order(project):
    project.write(changed("provider: openai", "providr: openai"), "manifests/b.yaml")
    project.write("a: 1\na: 2\n", "manifests/c.yaml")
    project.write("resources: {zebras: {}}\n", "manifests/a.yaml")
    project.write(changed("chat:", "other:").replace("name: chat", "name: [3]"), "manifests/d.yaml")
    found = [(problem.where.file[-6:-5], problem.code) for problem in project.problems()]
    assert found == [("a", "E205"), ("b", "E104"), ("c", "E103"), ("d", "E105")]


def test_relations_are_asked_where_the_shape_is_right(project):
    other = CHAT.replace("chat:", "other:").replace("name: chat", "name: other")
    project.write(changed("provider: openai", "provider: cohere", other), "manifests/a.yaml")
    project.write(changed("provider: openai", "providr: openai"), "manifests/b.yaml")
    found = [(problem.where.file[-6:-5], problem.code[:2]) for problem in project.problems()]
    assert set(found) == {("a", "E3"), ("b", "E1")}


def test_an_address_that_is_declared_twice_names_both_places(project):
    project.write(CHAT)
    project.write(changed("name: chat", "name: other"), "manifests/b.yaml")
    (problem,) = project.problems()
    assert (problem.code, str(problem.where)) == ("E206", "manifests/b.yaml:3:5")
    assert "manifests/a.yaml:3:5" in problem.hint


def test_a_name_that_is_declared_twice_names_both_places(project):
    project.write(CHAT)
    project.write(changed("chat:", "other:"), "manifests/b.yaml")
    (problem,) = project.problems()
    assert (problem.code, str(problem.where)) == ("E207", "manifests/b.yaml:4:13")
    assert problem.message == "another serving endpoint has the name `chat`"
    assert problem.hint == "it is `model_serving_endpoints.chat` at manifests/a.yaml:3:5"


def test_two_kinds_may_use_the_same_name(project):
    project.write(SCOPE.replace("name: keys", "name: chat"))
    project.write(changed("keys/openai", "chat/openai"), "manifests/b.yaml")
    assert len(project.load().resources) == 2


OLD = """\
resources:
  model_serving_endpoints:
    chat:
      name: chat
      rate_limits:
        - {key: user, renewal_period: minute, calls: many}
      config:
        served_models:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openay
              task: llm/v1/chat
              config:
                openai_config: {openai_api_key: "{{secrets/keys/openai}}"}
"""


def test_problems_below_old_spellings_are_shown_where_they_were_written(project):
    project.write(OLD)
    found = [(problem.code, str(problem.where)) for problem in project.problems()]
    assert found == [("E105", "manifests/a.yaml:6:54"), ("E107", "manifests/a.yaml:12:25")]


def test_old_spellings_are_warnings(project):
    project.write(OLD.replace("many", "3").replace("openay", "openai"))
    loaded = project.load()
    assert "rate_limits" not in loaded.resources[0].document
    places = [str(warning.where) for warning in loaded.warnings]
    assert places == [f"manifests/a.yaml:{place}" for place in ("5:7", "8:9", "14:15")]
    assert {warning.severity for warning in loaded.warnings} == {Severity.WARNING}


SETS = [
    pytest.param([], "E203", "no folder `manifests`", id="no folder"),
    pytest.param(["manifests/a.txt"], "E203", "no file matches", id="no YAML file"),
    pytest.param(["manifests/sub.yaml/x"], "E203", "no file matches", id="a folder like a file"),
]


@pytest.mark.parametrize(("names", "code", "message"), SETS)
def test_a_set_of_nothing_is_an_error(project, names, code, message):
    for name in names:
        project.write("x", name)
    (problem,) = project.problems()
    assert problem.code == code
    assert message in problem.message
    assert "`manifests/**/*.yaml`" in problem.message


def test_every_pattern_has_to_match(project):
    project.write(CHAT)
    codes = [
        problem.code for problem in project.problems("manifests/*.yaml", "more/*.yaml", "x.yaml")
    ]
    assert codes == ["E203", "E203"]


def test_files_with_the_other_ending_are_pointed_at(project):
    project.write(CHAT, "manifests/a.yml")
    (problem,) = project.problems()
    assert "`.yml`" in problem.hint


def test_manifests_without_a_resource_are_an_error(project):
    problem = project.problem("resources: {}\n")
    assert problem.code == "E209"


OUTSIDE = [
    pytest.param("../*.yaml", id="a way up"),
    pytest.param("manifests/../../x.yaml", id="a way up further on"),
    pytest.param("/etc/*.yaml", id="an absolute path"),
]


@pytest.mark.parametrize("pattern", OUTSIDE)
def test_a_pattern_may_not_leave_the_project(project, pattern):
    (problem,) = project.problems(pattern)
    assert problem.code == "E204"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_may_not_leave_the_project(tmp_path, what):
    project = Folder(tmp_path / "project")
    outside = Folder(tmp_path / "outside")
    outside.write(CHAT, "a.yaml")
    (project.root / "manifests").mkdir(parents=True)
    link, target = ("a.yaml", "a.yaml") if what == "file" else ("sub", ".")
    (project.root / "manifests" / link).symlink_to(outside.root / target)
    (problem,) = project.problems("manifests/*.yaml" if what == "file" else "manifests/*/*.yaml")
    assert problem.code == "E204"
    assert problem.message.startswith("`manifests/")


def test_a_link_inside_of_the_project_is_read(project):
    project.write(CHAT, "shared/a.yaml")
    (project.root / "manifests").mkdir()
    (project.root / "manifests/a.yaml").symlink_to(project.root / "shared/a.yaml")
    assert project.load().files == ("manifests/a.yaml",)


def test_the_digest_is_of_what_is_declared_not_of_how_it_is_written(project):
    project.write(CHAT)
    first = project.load().digest
    (project.root / "manifests/a.yaml").unlink()
    project.write(
        "# moved\n" + CHAT.replace("name: gpt-4o", "name:   'gpt-4o'"), "manifests/b.yaml"
    )
    assert project.load().digest == first
    assert first.startswith("sha256:")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(changed("name: gpt-4o", "name: gpt-4"), id="another value"),
        pytest.param(changed("    chat:", "    chat2:"), id="another key"),
        pytest.param(CHAT + "      lifecycle: {prevent_destroy: true}\n", id="another lifecycle"),
    ],
)
def test_the_digest_changes_with(project, text):
    project.write(CHAT)
    first = project.load().digest
    project.write(text)
    assert project.load().digest != first


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where anything is inside of JSON data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for step, part in inner:
        yield (*at, step)
        if isinstance(part, dict | list):
            yield from places(part, (*at, step))


WHOLE = parse("old.yaml", OLD.encode()).data
ODD = [None, True, -1, 2.5, "", "x\n", "${env.X}", "{{secrets/a/b}}", [], {}, [None], {"a": []}]


@given(st.sampled_from(sorted(places(WHOLE), key=str)), st.sampled_from(ODD))
def test_no_wrong_shape_makes_the_loader_fail(at, odd):
    whole = copy.deepcopy(WHOLE)
    holder = whole
    for step in at[:-1]:
        holder = holder[step]
    holder[at[-1]] = odd
    with TemporaryDirectory() as folder, suppress(FileError):
        project = Folder(Path(folder))
        project.write(json.dumps(whole))
        assert project.load().resources


@pytest.mark.parametrize("text", [CHAT, "a: [\n"], ids=["when all is good", "after an error"])
def test_the_garbage_collector_is_left_as_it_was(project, text):
    project.write(text)
    assert gc.isenabled()
    with suppress(FileError):
        project.load()
    assert gc.isenabled()
