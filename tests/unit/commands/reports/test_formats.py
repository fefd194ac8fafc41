"""What every report owes its reader: harmless text, valid syntax, the facts."""

from __future__ import annotations

import hashlib
import html.parser
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import report_runs as runs
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from provisioner.commands.reports import azure, github
from provisioner.commands.reports.counts import outputs
from provisioner.commands.reports.formats import FORMATS, automatic
from provisioner.commands.reports.html_cards import path_of
from provisioner.commands.reports.markdown import COMMENT_BYTES
from provisioner.commands.reports.report import Report
from provisioner.errors import Severity
from provisioner.model.plan import Action, Plan

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
EVERY_FORMAT = pytest.mark.parametrize("name", FORMATS)
texts = st.text(max_size=40) | st.sampled_from([runs.NASTY, "`", "``", "|", "::", "##vso["])


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("", ["markdown", "html", "json"]),
        ("GITHUB_ACTIONS", ["markdown", "html", "json", "github"]),
        (
            "GITLAB_CI",
            ["markdown", "html", "json", "gitlab-terraform", "codequality", "junit"],
        ),
        ("TF_BUILD", ["markdown", "html", "json", "azure", "junit"]),
    ],
)
def test_auto_writes_the_formats_that_suit_the_system(variable: str, expected: list[str]):
    assert [each.name for each in automatic({variable: "true"}, several=False)] == expected
    several = [name for name in expected if name not in ("html", "junit")]
    assert [each.name for each in automatic({variable: "true"}, several=True)] == several


def test_the_table_of_formats_loads_no_writer():
    code = (
        "import sys; from provisioner.commands.reports.formats import FORMATS; "
        "print([name for name in sys.modules if name.startswith('provisioner.')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "reports.formats" in loaded
    assert "reports.html" not in loaded
    assert "provisioner.model" not in loaded


@EVERY_FORMAT
@given(text=texts)
def test_no_format_lets_a_control_character_through(name: str, text: str):
    for report in runs.all_with(text):
        assert not CONTROLS.search(FORMATS[name].text(report))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "azure"])
def test_no_log_that_shows_a_report_is_obeyed_by_an_agent(name: str):
    for report in runs.all_with(runs.NASTY):
        assert not re.search(r"##(vso)?\[", FORMATS[name].text(report).replace("\\u0023", "!"))


def test_only_our_own_commands_are_in_the_log():
    for report in runs.all_with(runs.NASTY):
        for line in github.text(report).splitlines():
            assert re.match(r"::(error|warning|notice) [^:]*::[^\r\n]*$", line), line
        for line in azure.text(report).splitlines():
            assert re.match(r"##vso\[task\.(logissue|setvariable) [^\]]*\]", line)
            assert line.count("##vso[") == 1


class Elements(html.parser.HTMLParser):
    """The elements and attributes that a browser would find."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@given(text=texts)
def test_the_page_has_no_element_that_a_name_could_have_made(text: str):
    for report in runs.all_with(text):
        found = Elements(FORMATS["html"].text(report)).found
        assert [tag for tag, _ in found].count("script") == 1
        assert not {"a", "img", "iframe", "link", "object"} & {tag for tag, _ in found}
        names = {name for _, attributes in found for name in attributes}
        assert not any(name.startswith("on") or name in ("src", "href", "style") for name in names)


def test_the_policy_of_the_page_allows_its_own_script_and_style_alone():
    page = FORMATS["html"].text(runs.of_plan(runs.plan()))
    for tag in ("script", "style"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert content
        digest = b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


MARKDOWN_TAGS = {"details", "/details", "summary", "/summary", "b", "/b", "code", "/code", "sub"}


@given(text=texts)
def test_markdown_holds_no_markup_that_a_name_could_have_made(text: str):
    for report in runs.all_with(text):
        made = FORMATS["markdown"].text(report)
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(made)
        inner = [each for token in tokens for each in [token, *(token.children or [])]]
        assert not {"link_open", "image", "em_open"} & {token.type for token in inner}
        for token in inner:
            if token.type in ("html_block", "html_inline"):
                tags = re.findall(r"<(/?\w+)", re.sub("<!--.*?-->", "", token.content))
                assert set(tags) <= MARKDOWN_TAGS | {"/sub"}
            if token.type == "text":
                assert not re.search(r"[@#]\w", token.content), token.content


def large(changes: dict[Action, int]) -> Plan:
    steps = [
        runs.step(f"team_{index:04}_{action}_of_the_endpoints", action, f"endpoint-{index:04}" * 2)
        for action, count in changes.items()
        for index in range(count)
    ]
    return Plan(
        "shop", "prod", "https://example.test", tuple(sorted(steps, key=lambda s: s.address))
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({Action.UPDATE: 1000}, id="updates alone"),
        pytest.param({Action.UPDATE: 700, Action.REPLACE: 200, Action.DELETE: 100}, id="a mixture"),
        pytest.param({Action.REPLACE: 500, Action.DELETE: 500}, id="nothing that is harmless"),
    ],
)
def test_a_comment_on_a_thousand_changes_fits_and_names_all_that_is_destroyed(
    changes: dict[Action, int],
):
    made = large(changes)
    text = FORMATS["markdown"].text(runs.of_plan(made))
    assert len(text.encode()) <= COMMENT_BYTES
    for step in made.steps:
        if step.action in (Action.REPLACE, Action.DELETE):
            assert step.address.key in text
    assert text.endswith("</sub>\n")
    assert "shown without their details" in text


def test_a_comment_says_how_many_it_does_not_name():
    text = FORMATS["markdown"].text(runs.of_plan(large({Action.UPDATE: 2000})))
    named = len(set(re.findall(r"team_\d+_update", text)))
    left_out = re.search(r"and (\d+) more that are not named here", text)
    assert left_out
    assert int(left_out[1]) > 500
    assert named + int(left_out[1]) == 2000


def test_a_step_output_cannot_end_itself_and_set_another():
    made = github.outputs(runs.of_plan(runs.plan(runs.NASTY)))
    lines = made.splitlines()
    assert len(lines) % 3 == 0
    for head, value, end in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        assert head.partition("<<")[2] == end
        assert end not in value


def test_outputs_tell_what_a_pipeline_decides_by():
    found = outputs(runs.of_plan(runs.plan()))
    assert found["has_changes"] == "true"
    assert found["digest"].startswith("sha256:")
    assert (found["create"], found["replace"], found["delete"]) == ("1", "1", "1")


def test_more_than_ten_annotations_of_a_kind_are_counted_as_the_runner_drops_them():
    problems = tuple(runs.problem(f"number {index}") for index in range(14))
    lines = github.text(Report("validate", problems=problems)).splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("::and 5 more, all of them in the step summary")


def test_an_annotation_is_at_its_place_from_the_root_of_the_repository():
    report = Report("validate", problems=(runs.problem("50% of it, odd: yes"),), prefix="a,b/")
    assert github.text(report).startswith(
        "::error file=a%2Cb/manifests/a.yaml,line=3,col=5,title=provisioner E104::50%25 of it, odd"
    )
    assert "sourcepath=a,b/manifests/a.yaml;linenumber=3" in azure.text(report)
    assert json.loads(FORMATS["codequality"].text(report))[0]["location"] == {
        "path": "a,b/manifests/a.yaml",
        "lines": {"begin": 3},
    }


def test_gitlab_counts_a_replacement_as_a_deletion_and_a_creation():
    assert json.loads(FORMATS["gitlab-terraform"].text(runs.of_plan(runs.plan()))) == {
        "create": 2,
        "update": 2,
        "delete": 2,
    }


@given(text=texts)
def test_junit_is_xml_in_which_no_two_tests_have_the_same_name(text: str):
    for report in runs.all_with(text):
        root = ElementTree.fromstring(FORMATS["junit"].text(report))
        cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
        assert len(cases) == len(set(cases)) == int(root.get("tests") or 0)
        assert len(list(root.iter("failure"))) == int(root.get("failures") or 0)


def test_sarif_keeps_to_its_schema():
    schema = json.loads((Path(__file__).parent / "sarif_subset.schema.json").read_text())
    for report in runs.all_with(runs.NASTY):
        jsonschema.validate(json.loads(FORMATS["sarif"].text(report)), schema)


def test_the_audit_record_tells_who_did_what_when_and_how_it_ended():
    record = json.loads(FORMATS["json"].text(runs.of_apply()))
    assert record["actor"] == "me@example.test"
    assert record["git_commit"] == "abc"
    assert record["plan_digest"].startswith("sha256:")
    failed = next(each for each in record["resources"] if each.get("status") == "failed")
    assert failed["seconds"] == 61.5
    assert failed["changes"]
    assert failed["problems"][0]["code"] == "E104"


@EVERY_FORMAT
def test_the_order_in_which_things_ended_makes_no_difference(name: str):
    one = runs.of_apply()
    backwards = replace(one, outcomes=one.outcomes[::-1])
    assert FORMATS[name].text(one) == FORMATS[name].text(backwards)


def test_blocked_steps_are_errors_with_their_hints():
    report = runs.of_plan(runs.plan("why", blocked=True))
    assert "**Hint:** why" in FORMATS["markdown"].text(report)
    assert "Nothing can be applied" in FORMATS["html"].text(report)
    assert github.text(report).splitlines()[0].startswith("::error file=serving/manifests/a.yaml")
    assert "How to apply" not in FORMATS["markdown"].text(report)


def test_problems_of_all_severities_are_in_the_page_and_the_comment():
    problems = tuple(runs.problem(f"it is {each}", each) for each in Severity)
    report = Report("validate", problems=problems)
    for name in ("markdown", "html", "junit", "sarif", "codequality"):
        for each in Severity:
            assert f"it is {each}" in FORMATS[name].text(report), name


def test_how_resources_ended_stands_together_the_worst_first():
    text = FORMATS["markdown"].text(runs.of_apply())
    headings = re.findall(r"^### (.*) \(\d+\)$", text, re.MULTILINE)
    assert headings == ["Failed", "Still updating", "Not started", "Done", "Ready after waiting"]


def test_the_headline_counts_errors_and_warnings():
    problems = (runs.problem("a"), runs.problem("b", Severity.WARNING))
    assert "**1 error, 1 warning**" in FORMATS["markdown"].text(
        Report("validate", problems=problems)
    )
    assert "**No problems**" in FORMATS["markdown"].text(Report("validate"))


FORGE_WORDS = {
    "a mention of a person": ("@octocat", r"@octocat"),
    "a mention of a team": ("@org/team", r"@org"),
    "an issue": ("#123", r"#123"),
    "an issue elsewhere": ("owner/repo#1", r"repo#1"),
    "a merge request": ("!45", r"(?<![\w&])!45"),
    "an address": ("https://evil.test/x", r"https://evil\.test"),
    "an address without a scheme": ("www.evil.test", r"www\.evil\.test"),
    "a label": ("~bug", r"~bug"),
    "a snippet": ("$12", r"\$12"),
}


@pytest.mark.parametrize("word", FORGE_WORDS)
@pytest.mark.parametrize("name", ["markdown"])
def test_a_name_mentions_nobody_and_refers_to_nothing_in_a_forge(name: str, word: str):
    """A forge looks for these in the text of a page, but not in code."""
    text, pattern = FORGE_WORDS[word]
    for report in runs.all_with(text):
        page = MarkdownIt("commonmark", {"html": True}).render(FORMATS[name].text(report))
        prose = re.sub(r"<(code|pre)\b.*?</\1>", "", page, flags=re.DOTALL)
        assert not re.search(pattern, prose), re.search(f".*{pattern}.*", prose)


def alike(number: int, action: Action = Action.UPDATE) -> Report:
    """A report of a plan that does the same to ``number`` resources."""
    first = runs.plan().steps[0]
    steps = tuple(
        replace(
            first,
            address=replace(first.address, key=f"toy{at:02}"),
            name=f"toy{at:02}",
            action=action,
        )
        for at in range(number)
    )
    return runs.of_plan(replace(runs.plan(), steps=steps))


@pytest.mark.parametrize(
    ("report", "cards"),
    [
        pytest.param(alike(21), 1, id="many equal ones"),
        pytest.param(alike(20), 20, id="not so many"),
        pytest.param(alike(21, Action.DELETE), 21, id="deletions"),
    ],
)
def test_the_page_has_one_card_for_many_resources_with_the_same_changes(report, cards):
    page = FORMATS["html"].text(report)
    assert page.count('class="card') == cards
    assert ("21 resources with the same changes" in page) is (cards == 1)
    # Each can be found by its address all the same.
    assert all(f"{step.address} {step.name}" in page for step in report.plan.steps)


def test_a_long_path_may_be_broken_before_a_dot_or_a_bracket_alone():
    label = "config.served_entities[a-name].external_model.openai_config.openai_api_key"
    assert path_of(label) == (
        "config<wbr>.served_entities<wbr>[a-name]<wbr>.external_model<wbr>.openai_config"
        "<wbr>.openai_api_key"
    )
    assert path_of("ai_gateway.rate_limits") == "ai_gateway.rate_limits"
