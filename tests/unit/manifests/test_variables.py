"""What references in manifests become, and every way in which a variable can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.errors import FileError, Problem, ProvisionerError, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside, check_given
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import read_environment
from provisioner.manifests.variables import declared_in

MANIFEST = """\
resources:
  model_serving_endpoints:
    chat:
      name: chat
      description: %s
      config:
        served_entities:
          - name: champion
            entity_name: main.models.chat
            entity_version: "1"
            workload_size: Small
            scale_to_zero_enabled: true
"""
HEAD = "workspace: {host: https://x}\nvariables:\n"


def loaded(root: Path, value: str, variables: str, outside: Outside | None = None) -> Loaded:
    """Manifests with ``value`` as a description, in an environment with ``variables``."""
    lines = "".join(f"  {line}\n" for line in variables.splitlines())
    (root / "environments").mkdir(exist_ok=True)
    (root / "manifests").mkdir(exist_ok=True)
    (root / "environments/dev.yaml").write_text(HEAD + lines if lines else HEAD.split("v")[0])
    (root / "manifests/a.yaml").write_text(MANIFEST % value)
    environment = read_environment(root, "dev", outside or Outside())
    check_given(environment.outside, [declared_in(environment.source)])
    return load(root, environment, KINDS)


def description(*arguments: Any) -> Any:
    return loaded(*arguments).resources[0].document["description"]


def problem(*arguments: Any) -> Problem:
    with pytest.raises(ProvisionerError) as caught:
        loaded(*arguments)
    (found,) = caught.value.problems
    return found


GOOD = [
    pytest.param("${var.a}", "a: text", "text", id="all of a value"),
    pytest.param("<${var.a}>", "a: text", "<text>", id="a part of a value"),
    pytest.param("${var.a}${var.a}", "a: xy", "xyxy", id="two in one value"),
    pytest.param("${environment.name}", "", "dev", id="the name of the environment"),
    pytest.param("${bundle.target}", "", "dev", id="the word of a bundle for it"),
    pytest.param("in ${target.name}", "", "in dev", id="a third word for it"),
    pytest.param("$${var.a}", "", "${var.a}", id="an escape"),
    pytest.param("$${x} ${var.a}", "a: b", "${x} b", id="an escape beside a reference"),
    pytest.param("v${var.a}", "a: 3.10", "v3.10", id="a fraction keeps its zero"),
    pytest.param("v${var.a}", "a: 3", "v3", id="a number in a text"),
    pytest.param("is ${var.a}", "a: true", "is true", id="a boolean in a text"),
    pytest.param("${var.a}", "a: ${var.b}!\nb: x", "x!", id="a variable of a variable"),
    pytest.param("${var.a}", "a: $${env.X}", "${env.X}", id="an escape in a variable"),
    pytest.param("${var.a}", "a: ${environment.name}-1", "dev-1", id="the name in a variable"),
    pytest.param("${var.a}", "a: '{{not ours}}'", "{{not ours}}", id="braces of others"),
]


@pytest.mark.parametrize(("value", "variables", "expected"), GOOD)
def test_a_reference_becomes_a_value(tmp_path, value, variables, expected):
    assert description(tmp_path, value, variables) == expected


BAD = [
    pytest.param("${var.ab}", "abc: x", "E215 manifests/a.yaml:5:20", id="undefined"),
    pytest.param("x", "a: ${var.b}", "E215 environments/dev.yaml:3:6", id="undefined in another"),
    pytest.param("x", "a: ${var.a}", "E216 environments/dev.yaml:3:6", id="made from itself"),
    pytest.param(
        "x", "a: ${var.b}\nb: x${var.a}", "E216 environments/dev.yaml:3:6", id="two in a circle"
    ),
    pytest.param("x", "a-b: c", "E109 environments/dev.yaml:3:3", id="not a name"),
    pytest.param("x${var.a}", "a: [b]", "E217 manifests/a.yaml:5:20", id="a list in a text"),
    pytest.param("x${var.a}", "a: {b: c}", "E217 manifests/a.yaml:5:20", id="a mapping in a text"),
    pytest.param(
        "${var.a}",
        "a: [3]",
        "E105 environments/dev.yaml:3:6",
        id="a list for a text, where it stands",
    ),
    pytest.param("${var.a}", "a: ${env.X}", "E218 manifests/a.yaml:5:20", id="not set"),
    pytest.param("${env.X}", "", "E121 manifests/a.yaml:5:20", id="the process in a manifest"),
    pytest.param("${var.}", "", "E215 manifests/a.yaml:5:20", id="no name"),
    pytest.param("${}", "", "E121 manifests/a.yaml:5:20", id="nothing in the braces"),
]


@pytest.mark.parametrize(("value", "variables", "expected"), BAD)
def test_what_is_wrong_is_told_once_and_at_its_place(tmp_path, value, variables, expected):
    found = problem(tmp_path, value, variables)
    assert f"{found.code} {found.where}" == expected


def test_a_typo_in_a_reference_gets_a_suggestion(tmp_path):
    found = problem(tmp_path, "${var.ctalog}", "catalog: x")
    assert found.hint == "did you mean `catalog`?"


def test_the_hint_of_a_circle_shows_it(tmp_path):
    found = problem(tmp_path, "x", "a: ${var.b}\nb: ${var.c}\nc: ${var.a}")
    assert found.hint.endswith("`a` → `b` → `c` → `a`")


def test_what_the_process_lacks_is_named_with_the_place_that_wants_it(tmp_path):
    found = problem(tmp_path, "${var.a}", "a: ${env.OWNER}")
    assert "OWNER is not set" in found.message
    assert "environments/dev.yaml:3:3" in found.hint


def test_a_variable_nobody_uses_needs_nothing_of_the_process(tmp_path):
    (warning,) = loaded(tmp_path, "x", "a: ${env.OWNER}").warnings
    assert (warning.code, str(warning.where)) == ("W740", "environments/dev.yaml:3:3")


def test_only_a_used_variable_uses_another(tmp_path):
    warnings = loaded(tmp_path, "${var.a}", "a: ${var.b}\nb: x\nc: ${var.d}\nd: y").warnings
    assert [str(one.where) for one in warnings] == [
        "environments/dev.yaml:5:3",
        "environments/dev.yaml:6:3",
    ]


def test_the_process_fills_a_variable(tmp_path):
    outside = Outside(environ={"OWNER": "mlops"})
    assert description(tmp_path, "${var.a}", "a: by ${env.OWNER}", outside) == "by mlops"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("[{key: a, value: b}]", [{"key": "a", "value": "b"}], id="a list"),
        pytest.param("'[]'", None, id="text that looks like one"),
    ],
)
def test_a_whole_value_keeps_its_type(tmp_path, written, value):
    text = "x\n      tags: ${var.a}"
    if value is None:
        assert problem(tmp_path, text, f"a: {written}").code == "E105"
    else:
        assert loaded(tmp_path, text, f"a: {written}").resources[0].document["tags"] == value


def test_a_boolean_and_a_list_in_a_mapping_keep_their_types(tmp_path):
    text = (
        "x\n      email_notifications:\n        on_update_failure: ${var.b}\n"
        "        on_update_success: ${var.b}\n"
        "      ai_gateway:\n        usage_tracking_config:\n          enabled: ${var.c}"
    )
    document = loaded(tmp_path, text, "b: [a@b.c]\nc: true").resources[0].document
    assert document["ai_gateway"] == {"usage_tracking_config": {"enabled": True}}
    mails = document["email_notifications"]
    assert mails == {"on_update_failure": ["a@b.c"], "on_update_success": ["a@b.c"]}
    assert mails["on_update_failure"] is not mails["on_update_success"]


def test_a_plaintext_field_takes_no_variable(tmp_path):
    text = "x\n      raw: {api_key_plaintext: '${var.a}'}"
    assert problem(tmp_path, text, "a: s").code == "E308"


# written in the file, given, value
GIVEN = [
    pytest.param("text", "other", "other", id="text for text"),
    pytest.param("text", "3", "3", id="digits for a text stay text"),
    pytest.param("text", "", "", id="nothing for a text"),
    pytest.param("${env.X}", "x=y", "x=y", id="anything for what the process had"),
]


@pytest.mark.parametrize(("written", "given", "expected"), GIVEN)
def test_an_option_wins_over_the_file(tmp_path, written, given, expected):
    outside = Outside.of([f"a={given}"], {"PROVISIONER_VAR_a": "the process"})
    assert description(tmp_path, "${var.a}", f"a: {written}", outside) == expected


def test_the_process_wins_over_the_file(tmp_path):
    outside = Outside.of([], {"PROVISIONER_VAR_a": "the process"})
    assert description(tmp_path, "${var.a}", "a: the file", outside) == "the process"


# written in the file, given, text of the value
TYPED = [
    pytest.param("3", "4", "4", id="a number for a number"),
    pytest.param("true", "false", "false", id="a boolean for a boolean"),
]


@pytest.mark.parametrize(("written", "given", "expected"), TYPED)
def test_a_value_from_outside_has_the_type_of_the_file(tmp_path, written, given, expected):
    outside = Outside.of([f"a={given}"], {})
    assert description(tmp_path, "is ${var.a}", f"a: {written}", outside) == f"is {expected}"


MISTYPED = [
    pytest.param("3", "many", id="a word for a number"),
    pytest.param("true", "1", id="a number for a boolean"),
    pytest.param("[a]", "a", id="a word for a list"),
    pytest.param("{a: b}", "[a]", id="a list for a mapping"),
    pytest.param("[a]", "[", id="no YAML at all"),
]


@pytest.mark.parametrize(("written", "given"), MISTYPED)
def test_a_value_of_another_type_is_refused(tmp_path, written, given):
    found = problem(tmp_path, "x", f"a: {written}", Outside.of([f"a={given}"], {}))
    assert found.code == "E817"
    assert found.message.startswith("--var a")


def test_a_value_for_no_variable_is_refused_with_a_suggestion(tmp_path):
    found = problem(tmp_path, "x", "catalog: a", Outside.of(["ctalog=b"], {}))
    assert (found.code, found.hint) == ("E816", "did you mean `catalog`?")


@pytest.mark.parametrize("pair", ["a", "=b", "a-b=c", ""])
def test_an_option_needs_a_name_and_a_value(pair):
    with pytest.raises(UsageError, match="sets no variable"):
        Outside.of([pair], {})


def test_variables_that_multiply_end_in_an_error(tmp_path):
    lines = ["v0: xxxxxxxxxx"]
    lines += [f"v{i}: " + f"${{var.v{i - 1}}}" * 10 for i in range(1, 12)]
    with pytest.raises(FileError, match="expand to more than 2 MB"):
        loaded(tmp_path, "${var.v11}", "\n".join(lines))


def test_the_name_of_a_removed_resource_can_be_made_from_a_variable(tmp_path):
    removed = (
        "x\nremoved:\n  model_serving_endpoints:\n    old: {name: 'old-${var.a}', delete: true}\n"
    )
    start, _, rest = MANIFEST.partition("      config:")
    (tmp_path / "environments").mkdir()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "environments/dev.yaml").write_text(HEAD + "  a: b\n")
    (tmp_path / "manifests/a.yaml").write_text(
        start % "x" + "      config:" + rest + removed.removeprefix("x\n")
    )
    made = load(tmp_path, read_environment(tmp_path, "dev"), KINDS)
    assert [one.name for one in made.removals] == ["old-b"]
