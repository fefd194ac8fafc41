"""Release files, released variables, and what is left out until they have a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.errors import FileError, Severity, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import read_environment
from provisioner.manifests.release_file import releases_in
from provisioner.model.release import Released

LINE = (
    'version: {value: "12", previous: "11", from: staging, commit: 3fa81c2, '
    'at: 2026-11-20T10:00:00Z, verified: "3 checks", rejected: ["10"]}\n'
)
ENDPOINT = """\
    %s:
      name: %s
      config:
        served_entities:
          - name: champion
            entity_name: main.models.chat
            entity_version: %s
            workload_size: Small
            scale_to_zero_enabled: true
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("environments/releases", "manifests"):
        (tmp_path / folder).mkdir(parents=True)
    text = "resources:\n  model_serving_endpoints:\n"
    text += ENDPOINT % ("chat", "chat", "${var.version}") + ENDPOINT % ("risk", "risk", '"1"')
    (tmp_path / "manifests/all.yaml").write_text(text)
    return tmp_path


def loaded(root: Path, lines: str, outside: Outside | None = None) -> Loaded:
    (root / "environments/dev.yaml").write_text(f"workspace: {{host: https://x}}\n{lines}")
    return load(root, read_environment(root, "dev", outside), KINDS)


def version(found: Loaded) -> str:
    (chat,) = [one for one in found.resources if one.name == "chat"]
    return chat.document["config"]["served_entities"][0]["entity_version"]


def test_a_line_holds_the_value_and_where_it_is_from():
    (found,) = releases_in("r.yaml", f"# written\n\n{LINE}".encode()).releases.values()
    assert found == Released(
        value="12",
        previous="11",
        source="staging",
        commit="3fa81c2",
        at="2026-11-20T10:00:00Z",
        verified="3 checks",
        rejected=("10",),
    )


def test_a_file_of_comments_releases_nothing():
    assert releases_in("r.yaml", b"# nothing\n").releases == {}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        pytest.param("version: {valu: 1}", "E104", "1:11", id="a typo"),
        pytest.param("version: 12", "E105", "1:10", id="only a value"),
        pytest.param("version: {value: [1]}", "E105", "1:18", id="a list"),
        pytest.param("version: {value: 1, at: yesterday}", "E109", "1:25", id="no time"),
        pytest.param("version: {value: 1, commit: main}", "E109", "1:29", id="no commit"),
        pytest.param("a-b: {value: 1}", "E109", "1:1", id="no name of a variable"),
        pytest.param("version: {previous: 1}", "E703", "1:11", id="previous without a value"),
        pytest.param(
            'v: {value: "1", rejected: ["1"]}', "E703", "1:27", id="released and rejected too"
        ),
        pytest.param(
            "a: {value: 1}\n<<<<<<< HEAD\nb: {value: 1}\n=======\n", "E702", "2:1", id="a conflict"
        ),
        pytest.param("a: {value: 1}\na: {value: 2}", "E103", "2:1", id="twice"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, code, place):
    with pytest.raises(FileError) as caught:
        releases_in("r.yaml", text.encode())
    (problem,) = caught.value.problems
    assert (problem.code, f"{problem.where}") == (code, f"r.yaml:{place}")


def test_what_is_released_wins_over_the_file(project):
    (project / "environments/releases/dev.yaml").write_text(LINE)
    assert version(loaded(project, 'released: [version]\nvariables: {version: "7"}\n')) == "12"


def test_before_the_first_release_the_value_of_the_file_counts(project):
    assert version(loaded(project, 'released: [version]\nvariables: {version: "7"}\n')) == "7"


def test_what_is_not_released_yet_is_left_out_and_the_rest_is_not(project):
    found = loaded(project, "released: [version]\n")
    assert [one.name for one in found.resources] == ["risk"]
    assert [one.name for one in found.withheld] == ["chat"]
    (note,) = found.warnings
    assert (note.code, note.severity) == ("W741", Severity.NOTE)
    assert note.hint == "provisioner promote --from ENVIRONMENT --to dev version --write"


def test_where_the_file_says_the_source_the_command_does_not_repeat_it(project):
    (project / "environments/qa.yaml").write_text("workspace: {host: https://y}\n")
    (note,) = loaded(project, "released: [version]\npromotes_from: qa\n").warnings
    assert note.hint == "provisioner promote --to dev version --write"


def test_an_alias_that_was_not_pinned_is_not_released_yet(project):
    lines = """
released: [version]
variables: {version: {alias: "${var.catalog}.models.chat@champion"}, catalog: dev}
"""
    found = loaded(project, lines)
    assert [one.name for one in found.withheld] == ["chat"]
    (note,) = found.warnings
    assert (note.code, note.hint) == ("W741", "provisioner pin -e dev version")


def test_a_variable_made_from_an_unreleased_one_is_as_good_as_that(project):
    text = (project / "manifests/all.yaml").read_text()
    (project / "manifests/all.yaml").write_text(text.replace("var.version", "var.full"))
    found = loaded(project, "released: [version]\nvariables: {full: '${var.version}'}\n")
    assert [one.name for one in found.withheld] == ["chat"]
    assert set(found.uses) == {"full", "version"}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param(
            "variables: {version: {alias: main.models.chat@champion}}\n",
            "E704",
            id="an alias that is not released",
        ),
        pytest.param(
            "released: [version]\nvariables: {version: {alias: champion}}\n",
            "E705",
            id="no alias",
        ),
        pytest.param("released: [version]\npromotes_from: stagin\n", "E707", id="from nowhere"),
        pytest.param("released: [version]\npromotes_from: dev\n", "E707", id="from itself"),
        pytest.param("released: [version]\nsoak: 2h\n", "E707", id="soaking nowhere"),
        pytest.param(
            "released: [version]\nname_prefix: '${var.version}'\n", "E706", id="names made from it"
        ),
    ],
)
def test_a_mistake_of_the_environment_is_told(project, lines, code):
    with pytest.raises(FileError) as caught:
        loaded(project, lines)
    assert {problem.code for problem in caught.value.problems} == {code}
    assert all(problem.where for problem in caught.value.problems)


def test_no_value_from_outside_takes_the_place_of_a_released_one(project):
    for outside in (Outside({"version": "3"}), Outside({}, {"PROVISIONER_VAR_version": "3"})):
        with pytest.raises(UsageError) as caught:
            loaded(project, "released: [version]\n", outside)
        assert caught.value.problems[0].code == "E708"


def test_what_releases_another_value_of_an_alias_is_pin(project):
    lines = 'released: [version]\nvariables: {version: {alias: "a.b.c@champion"}}\n'
    with pytest.raises(UsageError) as caught:
        loaded(project, lines, Outside({"version": "3"}))
    assert caught.value.problems[0].hint.endswith("provisioner pin -e dev version")
