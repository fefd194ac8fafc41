"""Help with examples, one page for common options, and what a shell completes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from provisioner.cli import COMMANDS, group, main
from provisioner.rendering.help_pages import WIDTHS, page

ENDPOINT = "resources:\n  model_serving_endpoints:\n    chat: {name: chat, description: x}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_has_examples(name, capsys):
    main(["help", name])
    out = capsys.readouterr().out
    if isinstance(group.get_command(click.Context(group), name), click.Group):
        return
    assert "Examples:" in out
    assert f"provisioner {name}" in out.split("Examples:")[1]


def test_common_options_are_on_one_page(capsys):
    main(["help", "apply"])
    out = capsys.readouterr().out
    assert "--no-color" not in out.split("Examples:")[0]
    assert "provisioner help options" in " ".join(out.split())
    main(["help", "options"])
    page = capsys.readouterr().out
    for option in ("--project-dir", "--no-color", "--quiet", "--verbose", "--debug"):
        assert option in page


def completed(words, incomplete):
    found = ShellComplete(group, {}, "provisioner", "_X").get_completions(words, incomplete)
    return [item.value for item in found]


def test_environments_addresses_clients_and_codes_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "provisioner.yaml").write_text("project: shop\n")
    for name in ("dev", "prod"):
        (tmp_path / "environments").mkdir(exist_ok=True)
        path = tmp_path / "environments" / f"{name}.yaml"
        path.write_text(f"workspace: {{emulator: {name}.sqlite}}\n")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "chat.yaml").write_text(ENDPOINT)
    assert completed(["plan", "-e"], "") == ["dev", "prod"]
    assert completed(["plan", "-e"], "p") == ["prod"]
    assert completed(["plan", "-e", "dev", "--select"], "mod") == ["model_serving_endpoints.chat"]
    assert completed(["logs"], "ch") == ["chat"]
    assert completed(["connect", "chat", "--client"], "op") == ["openai"]
    assert "E505" in completed(["explain"], "E50")


def every_command():
    """Each command and each of a group, with its words."""
    root = click.Context(group, info_name="provisioner")
    for name in COMMANDS:
        command = group.get_command(root, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {word}", inner) for word, inner in command.commands.items())
        else:
            yield name, command


# Any other width is answered by click, and so are a question that it refuses, and completions.
@pytest.mark.parametrize("columns", [*WIDTHS, 250])
def test_each_page_is_what_click_prints(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    differing = []
    for name in ("", *COMMANDS, *(name for name, _ in every_command() if " " in name)):
        main([*name.split(), "--help"])
        if page([*name.split(), "--help"]) != capsys.readouterr().out:
            differing.append(name)
    assert differing == []


@pytest.mark.parametrize(
    "words",
    ["", "-h", "--help", "help", "help plan", "plan -h", "help emulator start", "help help"],
)
def test_each_way_to_ask_for_help_has_its_page(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(words.split()) == 0
    assert page(words.split()) == capsys.readouterr().out


@pytest.mark.parametrize(
    "words", ["plan", "help plam", "help plan -h", "plan -v --help", "help x y"]
)
def test_what_has_no_page_is_left_to_click(words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert page(words.split()) is None


def test_a_narrow_terminal_and_a_completion_are_left_to_click(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    assert page(["--help"]) is None
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("_PROVISIONER_COMPLETE", "bash_source")
    assert page(["--help"]) is None


def test_a_group_without_a_command_prints_its_help(capsys):
    assert main(["emulator"]) == 0
    assert capsys.readouterr().out.startswith("Usage: provisioner emulator [OPTIONS] COMMAND")


def test_help_of_a_process_imports_no_click():
    code = "import sys, atexit; atexit.register(lambda: print('click' in sys.modules));"
    run = "sys.argv[1:] = ['plan', '--help']; from provisioner.__main__ import run; run()"
    done = subprocess.run([sys.executable, "-c", code + run], capture_output=True, text=True)
    assert done.stdout.startswith("Usage: provisioner plan")
    assert (done.stdout.splitlines()[-1], done.returncode) == ("False", 0)


def test_every_command_takes_the_common_options_and_has_examples():
    missing = {}
    for name, command in every_command():
        options = {option for param in command.params for option in param.opts}
        lacking = {"-C", "-q", "-v", "--no-color", "--debug"} - options
        shown = command.get_help(click.Context(command, info_name=name))
        if lacking or f"provisioner {name}" not in shown.partition("Examples:")[2]:
            missing[name] = lacking or "no example"
    assert missing == {}


def test_no_help_shows_the_shape_of_json_or_a_bare_text():
    for name, command in every_command():
        shown = command.get_help(click.Context(command, info_name=name))
        assert '{"' not in shown, name
        assert "--profile TEXT" not in shown, name
        assert "--target TEXT" not in shown, name


def test_common_options_are_completed_though_the_help_leaves_them_out():
    assert completed(["plan"], "--no-c") == ["--no-color"]
    assert completed(["emulator", "start"], "--ver") == ["--verbose"]


def test_broken_files_complete_to_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completed(["plan", "-e"], "") == []
    (tmp_path / "provisioner.yaml").write_text(": [")
    assert completed(["plan", "--select"], "") == []


def test_the_manual_page_has_every_command_with_its_options_and_no_stray_request(capsys):
    assert main(["help", "--man"]) == 0
    page = capsys.readouterr().out
    for name, command in every_command():
        assert f".SS provisioner {name} ".replace("-", r"\-") in page
        for option in (o for param in command.params for o in param.opts if o.startswith("-")):
            assert option.replace("-", r"\-") in page, option
    requests = set(re.findall(r"^[.'](\S*)", page, re.M))
    assert requests == {"TH", "SH", "SS", "PP", "TP", "nf", "fi"}
    assert "\b" not in page


def on_terminal(words, **variables):
    """What ``provisioner`` with ``words`` shows on a terminal of 24 lines."""
    main_end, end = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(
        [sys.executable, "-m", "provisioner", *words],
        stdin=end,
        stdout=end,
        stderr=end,
        env=environment | variables,
    ):
        os.close(end)
        shown = b""
        while True:
            try:
                part = os.read(main_end, 65536)
            except OSError:  # Linux: the other end is closed.
                break
            if not part:
                break
            shown += part
    os.close(main_end)
    return shown.decode().replace("\r\n", "\n")


PAGED = {"PAGER": "sed s/^/paged:/"}


@pytest.mark.parametrize(
    ("words", "variables", "is_paged"),
    [
        pytest.param("help apply", {}, True, id="long help"),
        pytest.param("help version", {}, False, id="help that fits"),
        pytest.param("apply --help", {}, False, id="the option --help"),
        pytest.param("help apply", {"NO_PAGER": "1"}, False, id="NO_PAGER"),
        pytest.param("help apply", {"PAGER": "cat"}, False, id="PAGER=cat"),
        pytest.param("help apply", {"PAGER": ""}, False, id="an empty PAGER"),
        pytest.param("help apply", {"TERM": "dumb"}, False, id="a dumb terminal"),
        pytest.param("help apply", {"PAGER": "no-such-pager"}, False, id="no such pager"),
    ],
)
def test_long_help_opens_in_a_pager_on_a_terminal(words, variables, is_paged):
    shown = on_terminal(words.split(), **PAGED | variables)
    assert ("paged:" in shown) is is_paged
    assert "Options:" in shown
    assert ("\x1b[1m" in shown) is (variables.get("TERM") != "dumb")


def test_help_in_a_pipe_has_no_pager_and_no_colour(monkeypatch, capsys):
    monkeypatch.setenv("PAGER", "false")
    main(["help", "apply"])
    out = capsys.readouterr().out
    assert "Options:" in out
    assert "\x1b" not in out
