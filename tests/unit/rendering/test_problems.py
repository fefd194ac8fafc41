"""Problems as people and programs see them."""

from __future__ import annotations

import json

import pytest

from provisioner.errors import FileError, Position, Problem, Severity
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.rendering.problems import WIDEST, text, to_json

TYPO = Problem(
    "E104",
    "unknown field `worklod_size`",
    Position("manifests/fraud.yaml", 20, 13),
    "did you mean `workload_size`?",
    subject="model_serving_endpoints.fraud, served entity challenger",
    excerpt="            worklod_size: Small",
    width=12,
)


def at(column: int, excerpt: str, width: int = 1) -> Problem:
    return Problem("E101", "m", Position("a.yaml", 7, column), excerpt=excerpt, width=width)


def excerpt_of(problem: Problem) -> tuple[str, str]:
    """The line that is shown and the line with the carets, without the margin."""
    shown, caret = text([problem], colour=False).splitlines()[3:5]
    return shown.removeprefix("7 | "), caret.removeprefix("  | ")


def test_an_error_looks_like_this():
    assert text([TYPO], colour=False) == (
        "error[E104]: unknown field `worklod_size`\n"
        "  --> manifests/fraud.yaml:20:13  "
        "(model_serving_endpoints.fraud, served entity challenger)\n"
        "   |\n"
        "20 |             worklod_size: Small\n"
        "   |             ^^^^^^^^^^^^\n"
        "   = hint: did you mean `workload_size`?"
    )


WITHOUT = [
    pytest.param(Problem("E203", "m"), "error[E203]: m", id="a message alone"),
    pytest.param(Problem("E203", "m", hint="h"), "error[E203]: m\n  = hint: h", id="a hint"),
    pytest.param(
        Problem("E203", "m", hint="one\ntwo"),
        "error[E203]: m\n  = hint: one\n          two",
        id="a hint of two lines",
    ),
    pytest.param(
        Problem("E601", "m", subject="kind.key"), "error[E601]: m\n --> (kind.key)", id="a subject"
    ),
    pytest.param(
        Problem("E602", "m", hint="h", log="one\nerror[E1]: \x1b[2J"),
        "error[E602]: m\n  | one\n  | error[E1]: \\x1b[2J\n  = hint: h",
        id="lines of a log",
    ),
    pytest.param(
        Problem("W701", "m", Position("a", 100), severity=Severity.NOTE),
        "note[W701]: m\n   --> a:100:1",
        id="a place without an excerpt",
    ),
]


@pytest.mark.parametrize(("problem", "expected"), WITHOUT)
def test_what_is_not_known_is_left_out(problem, expected):
    assert text([problem], colour=False) == expected


def test_problems_are_told_apart_by_a_blank_line():
    assert text([Problem("E1", "a"), Problem("E2", "b")], colour=False) == (
        "error[E1]: a\n\nerror[E2]: b"
    )


def test_nothing_is_nothing():
    assert text([], colour=False) == ""


EXCERPTS = [
    pytest.param(at(4, "abc"), ("abc", "   ^"), id="a caret behind the line"),
    pytest.param(at(9, "abc"), ("abc", "        ^"), id="a caret far behind the line"),
    pytest.param(at(1, "\tab"), ("    ab", "^^^^"), id="a tab is four columns"),
    pytest.param(at(2, "\tab", 2), ("    ab", "    ^^"), id="and so is the caret's way"),
    pytest.param(at(3, "漢字ab", 2), ("漢字ab", "    ^^"), id="wide characters are two columns"),
    pytest.param(at(1, "漢字ab", 2), ("漢字ab", "^^^^"), id="also below the caret"),
    pytest.param(at(3, "e\u0301x", 1), ("e\u0301x", " ^"), id="an accent has no column"),
    pytest.param(
        at(6, "a: \x1b[31mb", 1), ("a: \\x1b[31mb", "        ^"), id="a colour is shown, not used"
    ),
    pytest.param(at(1, "a\u202eb"), ("a\\u202eb", "^"), id="no text can turn the line around"),
]


@pytest.mark.parametrize(("problem", "expected"), EXCERPTS)
def test_an_excerpt(problem, expected):
    assert excerpt_of(problem) == expected


@pytest.mark.parametrize("column", [1, 50, 101, 300, 595, 601])
def test_a_long_line_is_shown_around_the_caret(column):
    line = "".join(chr(ord("a") + number % 26) for number in range(600))
    shown, caret = excerpt_of(at(column, line, 3))
    assert len(shown) <= WIDEST + 2
    place = caret.index("^")
    assert shown[place : place + 3].strip("…") == line[column - 1 : column + 2][: caret.count("^")]


def test_no_caret_is_longer_than_what_is_shown():
    shown, caret = excerpt_of(at(200, "x" * 600, 400))
    assert len(caret) <= len(shown)


def test_texts_of_others_cannot_steer_a_terminal():
    problem = Problem(
        "E1\x1b", "m\x1b[2J\r\nx", Position("a\x1b.yaml"), "h\x1b\x07", subject="s\x1b]0;x"
    )
    assert "\x1b" not in text([problem], colour=False).replace("E1\x1b", "")
    assert "\x1b" not in json.dumps(to_json([problem])["diagnostics"][0]["summary"])


def test_colour_changes_no_word():
    coloured = text([TYPO, at(2, "abc")], colour=True)
    plain = text([TYPO, at(2, "abc")], colour=False)
    assert coloured != plain
    for code in ("\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_the_json_has_the_words_of_terraform():
    warning = Problem("W701", "left out", severity=Severity.WARNING)
    made = to_json([TYPO, warning])
    assert {name: made[name] for name in made if name != "diagnostics"} == {
        "format_version": "1.0",
        "valid": False,
        "error_count": 1,
        "warning_count": 1,
    }
    error, other = made["diagnostics"]
    assert error == {
        "severity": "error",
        "code": "E104",
        "summary": "unknown field `worklod_size`",
        "detail": "did you mean `workload_size`?",
        "subject": "model_serving_endpoints.fraud, served entity challenger",
        "range": {
            "filename": "manifests/fraud.yaml",
            "start": {"line": 20, "column": 13},
            "end": {"line": 20, "column": 25},
        },
        "snippet": {
            "code": "            worklod_size: Small",
            "start_line": 20,
            "highlight_start_offset": 12,
            "highlight_end_offset": 24,
        },
    }
    assert other == {"severity": "warning", "code": "W701", "summary": "left out", "detail": ""}


def test_warnings_alone_are_valid():
    assert to_json([Problem("W701", "x", severity=Severity.WARNING)])["valid"]


MANIFESTS = {
    "braces.yaml": "resources:\n  secret_scopes:\n    keys: {name: {{secrets/a/b}}}\n",
    "tabs.yaml": "resources:\n\tsecret_scopes: {}\n",
    "twice.yaml": "resources:\n  secret_scopes: {}\n  secret_scopes: {}\n",
    "brackets.yaml": "a: " + "[" * 100_000,
    "empty.yaml": "",
    "chat.yaml": """\
resources:
  model_serving_endpoints:
    chat:
      name: chat room
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              tsk: llm/v1/chat
              openai_config:
                openai_api_key_plaintext: sk-live-0123456789abcdef
                openai_api_version: 2024.10
        trafic_config: {}
      ai_gateway:
        rate_limits:
          - {key: user, renewal_period: hour, calls: 20%}
  jobs:
    nightly: {}
  model_servng_endpoints: {}
""",
}


def test_a_folder_full_of_mistakes(tmp_path, golden):
    for name, content in MANIFESTS.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(FileError) as caught:
        load(tmp_path, Environment("dev", WorkspaceSettings(), ("*.yaml",)), KINDS)
    golden("problems/mistakes.txt", text(caught.value.problems, colour=False) + "\n")


@pytest.mark.parametrize("width", [40, 80])
def test_on_a_narrow_terminal_lines_are_broken_at_blanks(width):
    hint = "1 to 63 letters, digits, `-` and `_`, with a letter or digit at both ends of it"
    place = Position("manifests/a.yaml", 4, 60)
    problem = Problem("E109", f"`x` is wrong: {hint}", place, hint, excerpt="name: " * 30, width=4)
    lines = text([problem], colour=False, width=width).splitlines()
    assert max(map(len, lines)) <= width
    words = " ".join(line.strip() for line in lines)
    assert "with a letter or digit at both ends of it" in " ".join(words.split())
