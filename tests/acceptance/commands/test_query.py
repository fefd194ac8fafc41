"""query: one question to several endpoints, whatever becomes of each."""

from __future__ import annotations

import io
import json

import pytest
from manifest_texts import TWO_MODELS

from provisioner.commands.query import text as query_text
from provisioner.model.query import Answer, Asked
from provisioner.rendering.style import Style

PROMPT = ("--prompt", "What is a quoll?")
DBRX = "databricks-dbrx-instruct"


@pytest.fixture(autouse=True)
def chat(repository, run, monkeypatch, workspace):
    monkeypatch.setenv("SHOP_KEY", "sk-of-the-shop")
    repository.endpoint(TWO_MODELS)
    assert run("apply", "-y").code == 0
    workspace.forget()


def test_one_answer_is_its_text_alone(run):
    result = run("query", "chat", *PROMPT)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Made-up answer")
    assert result.out.count("\n") == 1


def test_several_answers_stand_below_each_other_in_a_pipe(run):
    result = run("query", "chat", DBRX, *PROMPT)
    assert result.code == 0
    first, _, blank, second, _ = result.out.splitlines()
    assert first.split()[:2] == ["chat", "gpt"]
    assert "tokens" in first
    assert blank == ""
    assert second.startswith(DBRX)


def test_what_one_cannot_answer_hides_no_other_answer(run):
    result = run("query", "chatt", "chat", "databricks-gte-large-en", *PROMPT)
    assert result.code == 1
    assert "You asked: What is a quoll?" in result.out
    assert "numbers, norm 1.000" in result.out
    assert "E441: there is no endpoint `chatt`" in result.out
    assert "did you mean `chat`?" in result.err


def test_an_object_that_takes_no_queries_is_not_meant_instead(repository, run):
    repository.write(
        "manifests/tools.yaml",
        """
resources:
  mcp_services:
    tools:
      parent: schemas/main.gw
      mcp_service_id: chats
      config: {source_connection: {name: connections/main.gw.tracker}}
""",
    )
    result = run("query", "main.gw.chats", *PROMPT)
    assert result.code == 1
    assert "it is declared as MCP service, which cannot be queried" in result.err
    assert "did you mean" not in result.err
    assert "did you mean" not in run("query", "main.gw.chatts", *PROMPT).err


def test_the_answers_as_json(run):
    result = run("query", "chat", "nobody", *PROMPT, "-o", "json")
    assert result.code == 1
    good, bad = result.json["answers"]
    assert list(good) == list(bad)
    assert (good["name"], good["task"], good["entity"]) == ("chat", "llm/v1/chat", "gpt")
    assert good["text"] == good["raw"]["choices"][0]["message"]["content"]
    assert good["tokens"] == good["raw"]["usage"]["total_tokens"]
    assert good["duration_ms"] >= 0
    assert (bad["name"], bad["text"], bad["error"]["code"]) == ("nobody", None, "E441")


def test_one_served_entity_is_asked_for_so_many_tokens(run, workspace):
    words = ("--entity", "next", "--max-tokens", "4", "-o", "json")
    (answer,) = run("query", "chat", *PROMPT, *words).json["answers"]
    assert answer["entity"] == "next"
    assert answer["raw"]["usage"]["completion_tokens"] == 4


def test_a_whole_body_comes_from_a_file_or_from_stdin(run, repository, monkeypatch):
    body = {"messages": [{"role": "user", "content": "from a file"}], "max_tokens": 90}
    file = repository.write("request.json", json.dumps(body))
    assert "from a file" in run("query", "chat", "--file", str(file)).out
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(body)))
    assert "from a file" in run("query", "chat", "--file", "-").out


@pytest.fixture
def in_project(repository, monkeypatch):
    monkeypatch.chdir(repository.root)


MISTAKES = [
    pytest.param([], "E748", id="no question"),
    pytest.param([*PROMPT, "--file", "x"], "E748", id="two questions"),
    pytest.param(["--file", "missing.json"], "E749", id="no such file"),
    pytest.param(["--file", "provisioner.yaml"], "E749", id="no JSON"),
]


@pytest.mark.parametrize(("words", "code"), MISTAKES)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    run, workspace, in_project, words, code
):
    result = run("query", "chat", *words)
    assert result.code == 1
    assert f"error[{code}]" in result.err
    assert workspace.requests() == []


def asked(*texts):
    return [
        Asked(f"endpoint-{index}", Answer("x", "llm/v1/chat", text, {}, "gpt", 412, 53))
        for index, text in enumerate(texts)
    ]


def test_side_by_side():
    style = Style(width=80)
    two = asked("Short.", "混合专家模型" * 8 + " and some words behind it")
    assert query_text.fit(two, style)
    assert query_text.columns(two, style) == (
        "endpoint-0                             │ endpoint-1\n"
        "gpt  412 ms  53 tokens                 │ gpt  412 ms  53 tokens\n"
        "───────────────────────────────────────┼─"
        "──────────────────────────────────────\n"
        "Short.                                 │ 混合专家模型混合专家模型混合专家模型混\n"
        "                                       │ 合专家模型混合专家模型混合专家模型混合\n"
        "                                       │ 专家模型混合专家模型 and some words\n"
        "                                       │ behind it\n"
    )


@pytest.mark.parametrize(
    ("texts", "width"),
    [
        pytest.param(("a", "b"), 79, id="a narrow terminal"),
        pytest.param(("a", "b", "c", "d"), 100, id="many columns"),
        pytest.param(("a", "word " * 400), 200, id="a long text"),
    ],
)
def test_what_cannot_be_read_side_by_side(texts, width):
    assert not query_text.fit(asked(*texts), Style(width=width))


def test_nothing_that_a_model_says_moves_the_cursor():
    two = asked("\x1b[2Jgone", "fine")
    for shown in (query_text.columns, query_text.stacked):
        assert "\x1b" not in shown(two, Style())
