"""No excerpt shows a secret, whatever is wrong with the line that it stands on."""

from __future__ import annotations

import pytest

from provisioner.errors import FileError, Finding
from provisioner.manifests.yaml.source import parse
from provisioner.manifests.yaml.text import LONGEST_EXCERPT, Text

# A line with the word `canary` in it, and what may be shown of it.
HIDDEN = [
    pytest.param("openai_api_key: canary", "openai_api_key: ***", id="a key"),
    pytest.param("  - openai_api_key: 'canary'", "  - openai_api_key: ***", id="in quotes"),
    pytest.param("openai_api_key_plaintext: canary", "openai_api_key_plaintext: ***", id="plain"),
    pytest.param("openai_api_key_plaintxt: canary", "openai_api_key_plaintxt: ***", id="a typo"),
    pytest.param("{a: b, token: canary, c: d}", "{a: b, token: ***", id="inside of a flow mapping"),
    pytest.param('{"client_secret":"canary"}', '{"client_secret":***', id="JSON without blanks"),
    pytest.param("Password: canary", "Password: ***", id="a capital letter"),
    pytest.param("aws-secret-access-key: canary", "aws-secret-access-key: ***", id="with dashes"),
    pytest.param("x: sk-canary0123456789abc", "x: ***", id="a value that looks like a key"),
    pytest.param("x: 'dapicanary0123456789'", "x: '***", id="a token of Databricks"),
]


@pytest.mark.parametrize(("line", "shown"), HIDDEN)
def test_a_secret_is_hidden(line, shown):
    text = Text.of("m.yaml", line)
    assert text.problem(Finding((), "E104", "m", span=(0, 1))).excerpt == shown


SHOWN = [
    pytest.param('openai_api_key: "{{secrets/scope/key}}"', id="a reference"),
    pytest.param("openai_api_key_plaintext: ${env.KEY}", id="a variable of the environment"),
    pytest.param("secrets: {a: {from_env: KEY}}", id="where a secret comes from"),
    pytest.param("openai_api_key: {from_env: KEY}", id="where one comes from"),
    pytest.param("{key: user, tokens: 100, calls: 3}", id="a number of tokens"),
    pytest.param("private_key_plaintext: |", id="the head of a block"),
    pytest.param("secret_scopes:", id="a name without a value"),
    pytest.param("- {key: team, value: risk}", id="a tag"),
    pytest.param("name: sk-ill", id="a short word that begins like a key"),
]


@pytest.mark.parametrize("line", SHOWN)
def test_what_is_no_secret_is_shown(line):
    text = Text.of("m.yaml", line)
    assert text.problem(Finding((), "E104", "m", span=(0, 1))).excerpt == line


BROKEN = [
    pytest.param("password: *canary\n", id="an alias that is none"),
    pytest.param("token: 'canary\n", id="an open quote"),
    pytest.param("token: canary: x\n", id="two colons"),
    pytest.param("token: [canary\nx: y\n", id="an open list"),
    pytest.param("\ttoken: canary\n", id="a tab"),
    pytest.param("token: canary\ntoken: canary\n", id="a field twice"),
    pytest.param("a: {token: canary, token: canary}\n", id="twice in a flow mapping"),
    pytest.param("token: !x canary\n", id="a tag"),
    pytest.param("token_plaintext: |\n  canary\n canary\n", id="a block that ends too early"),
    pytest.param("private_key: >\n    canary\n   \tcanary\n  canary\nx\n", id="a folded block"),
    pytest.param("token: 'a\n  canary' canary\n", id="behind a quote on the next line"),
    pytest.param("token: &x canary\n*x : y\nb: *z\n", id="an anchor"),
    pytest.param("token: canary\x01\n", id="a control character"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_no_problem_of_yaml_shows_a_secret(text):
    with pytest.raises(FileError) as caught:
        parse("m.yaml", text.encode())
    assert "canary" not in str(caught.value.problems)


def test_a_hidden_value_is_underlined_as_it_is_shown():
    text = Text.of("m.yaml", "x: canary-canary")
    problem = text.problem(Finding((), "E105", "m", span=(3, 16), secret=True))
    assert (problem.excerpt, problem.width) == ("x: ***", 3)


def test_a_very_long_line_is_shown_as_far_as_it_helps():
    text = Text.of("m.yaml", "x" * 10_000)
    assert text.problem(Finding((), "E101", "m", span=(5, 6))).excerpt == "x" * LONGEST_EXCERPT
    far = text.problem(Finding((), "E101", "m", span=(9_000, 9_001)))
    assert (far.excerpt, str(far.where)) == ("", "m.yaml:1:9001")


def test_a_caret_never_leaves_its_line():
    text = Text.of("m.yaml", "a: |\n  b\n  c\n")
    assert text.problem(Finding((), "E105", "m", span=(3, 12))).width == 1
