"""What is bounded: links, pipes, variables, statements of SQL, a clock that is off, the guard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.commands.test_apply import SCOPE, SIMPLE

# Messages of the several places word it differently.
NO_FILE = re.compile(r"\bis (no|not a) file\b")
FILES = ["provisioner.yaml", "environments/dev.yaml", "environments/releases/dev.yaml"]


@pytest.fixture
def shop(repository, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    repository.write("manifests/scope.yaml", SCOPE)
    repository.endpoint(SIMPLE.replace("CALLS", "10"))
    return repository


class TestLinksAndPipes:
    @pytest.fixture
    def secret(self, tmp_path_factory):
        path = tmp_path_factory.mktemp("elsewhere") / "secret"
        path.write_text("root:x:0:0:root\n")
        return path

    @pytest.mark.parametrize("name", FILES)
    def test_no_file_of_a_project_is_read_through_a_link_out_of_it(self, shop, run, secret, name):
        path = shop.root / name
        if "releases" in name:
            environment = shop.root / "environments/dev.yaml"
            environment.write_text(environment.read_text() + "variables: {v: 1}\nreleased: [v]\n")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(secret)
        result = run("validate")
        assert result.code == 1
        assert "E204" in result.err
        assert "root:x" not in result.out + result.err

    def test_no_environment_is_read_through_a_linked_folder(self, shop, run, tmp_path_factory):
        outside = tmp_path_factory.mktemp("outside")
        (shop.root / "environments").rename(outside / "environments")
        (shop.root / "environments").symlink_to(outside / "environments")
        result = run("validate")
        assert result.code == 1
        assert "E204" in result.err

    @pytest.mark.parametrize("name", ["provisioner.yaml", "environments/dev.yaml"])
    def test_a_pipe_in_place_of_a_file_is_an_error_and_no_wait(self, shop, run, name):
        (shop.root / name).unlink()
        os.mkfifo(shop.root / name)
        assert run("validate").code == 1

    def test_a_pipe_is_no_plan(self, shop, run):
        os.mkfifo(shop.root / "plan.fifo")
        result = run("apply", str(shop.root / "plan.fifo"))
        assert result.code == 1
        assert NO_FILE.search(result.err)

    @pytest.fixture(params=["fifo", "/dev/zero"])
    def endless(self, request, shop):
        """What a read never comes to the end of."""
        if request.param == "/dev/zero":
            return request.param
        os.mkfifo(shop.root / "x.fifo")
        return str(shop.root / "x.fifo")

    @pytest.mark.parametrize(
        "words",
        [
            ("query", "chat", "--file"),
            ("apply", "-y"),
            ("show",),
            ("import", "--from-terraform-state"),
        ],
        ids=lambda words: words[0],
    )
    def test_what_has_no_end_is_no_file(self, shop, run, endless, words):
        result = run(*words, endless)
        assert result.code == 1
        assert NO_FILE.search(result.err)

    @pytest.mark.parametrize("folder", ["policies", "manifests"])
    def test_a_pipe_among_the_files_of_a_project_is_an_error(self, shop, run, folder):
        (shop.root / folder).mkdir(exist_ok=True)
        os.mkfifo(shop.root / folder / "x.yaml")
        result = run("validate")
        assert result.code == 1
        assert NO_FILE.search(result.err)

    def test_a_pipe_is_no_file_of_profiles(self, shop, run, endless, monkeypatch):
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", endless)
        result = run("plan", "-p", "dev")
        assert result.code == 1
        assert NO_FILE.search(result.err)

    def test_a_pipe_is_no_state_of_a_local_workspace(self, shop, run, endless):
        environment = f"workspace: {{emulator: {endless}}}\nmanifests: [manifests/*.yaml]\n"
        shop.write("environments/dev.yaml", environment)
        result = run("plan")
        assert result.code == 1
        assert NO_FILE.search(result.err)

    def test_a_pipe_is_no_summary_of_a_job(self, shop, run, monkeypatch):
        os.mkfifo(shop.root / "x.fifo")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shop.root / "x.fifo"))
        result = run("plan", "--report", f"github={shop.root}/report.md")
        assert result.code == 1
        assert "cannot write" in result.err

    @pytest.mark.parametrize("option", ["--out", "--report"])
    def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait(self, shop, run, option):
        os.mkfifo(shop.root / "x.fifo")
        value = str(shop.root / "x.fifo")
        result = run("plan", option, f"json={value}" if option == "--report" else value)
        assert result.code == 1
        assert "cannot write" in result.err

    @pytest.mark.parametrize("format", ["json", "markdown", "html", "junit", "sarif"])
    def test_a_report_replaces_a_link_and_is_private(self, shop, run, secret, format):
        report = shop.root / "report"
        report.symlink_to(secret)
        assert run("plan", "--report", f"{format}={report}").code == 0
        assert secret.read_text() == "root:x:0:0:root\n"
        assert not report.is_symlink()
        assert report.stat().st_mode & 0o777 == 0o600


class TestVariables:
    def test_values_that_become_too_large_are_an_error(self, shop, run):
        path = shop.root / "environments/dev.yaml"
        path.write_text(path.read_text() + f"variables: {{a: {'x' * 5000}}}\n")
        text = SIMPLE.replace("CALLS", "10").replace("gpt-4o", '"' + "${var.a}" * 20_000 + '"')
        shop.endpoint(text)
        result = run("validate")
        assert result.code == 1
        assert "E114" in result.err
        assert result.err.count("error[E114]") == 1

    def test_a_long_chain_is_an_error_and_no_defect(self, shop, run):
        path = shop.root / "environments/dev.yaml"
        chain = [f"  v{n}: '${{var.v{n + 1}}}'" for n in range(250)]
        path.write_text("\n".join([path.read_text(), "variables:", *chain, "  v250: x", ""]))
        shop.endpoint(SIMPLE.replace("CALLS", "10").replace("gpt-4o", "${var.v0}"))
        result = run("validate")
        assert result.code == 1
        assert "E114" in result.err
        assert "E811" not in result.err


class TestRotation:
    @pytest.mark.parametrize("skew_s", [300.0, -300.0])
    @pytest.mark.parametrize(("after_s", "rotates"), [(60, True), (-60, False)])
    def test_the_skew_of_the_workspaces_clock_is_taken_out(self, skew_s, after_s, rotates):
        from provisioner.kinds.secret_scopes.compare import CLOCK_SKEW, compare
        from provisioner.model.kind import ComparisonInput
        from provisioner.model.live import Live
        from provisioner.model.plan import Action

        stored = datetime(2026, 11, 30, 12, tzinfo=UTC)
        theirs = stored + timedelta(seconds=skew_s)
        keys = {"k": {"last_updated_timestamp": int(theirs.timestamp() * 1000)}}
        live = Live("s", "s", {"name": "s", "secrets": keys}, "f", beside={CLOCK_SKEW: skew_s})
        rotated_at = (stored + timedelta(seconds=after_s)).isoformat()
        desired = {"name": "s", "secrets": {"k": {"from_env": "X", "rotated_at": rotated_at}}}
        (change,) = compare(ComparisonInput(desired, live))
        assert (change.action is Action.UPDATE) is rotates
        assert ("300 s" in change.reason) is not rotates

    def test_a_rotation_that_is_over_has_its_reason_with_verbose(self, shop, run):
        scope = SCOPE.replace("}", ", rotated_at: 2020-01-01T00:00:00Z}", 1)
        assert scope != SCOPE
        shop.write("manifests/scope.yaml", scope)
        assert run("apply", "-y").code == 0
        assert "rotated_at" not in run("plan").out
        result = run("plan", "-v", "--detailed-exitcode")
        assert result.code == 0
        assert "rotated_at is not later than the stored value's date" in result.out
        assert run("drift", "--detailed-exitcode").code == 0


class TestTip:
    @pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
    def test_an_edit_that_git_was_told_to_overlook_is_seen(self, shop, run, workspace, flag):
        def git(*words):
            name = ("-c", "user.name=a", "-c", "user.email=a@example.com")
            subprocess.run(["git", *name, *words], cwd=shop.root, check=True, capture_output=True)

        git("init", "-q", "-b", "main")
        git("add", "--all")
        git("commit", "-qm", "all")
        git("update-index", flag, "manifests/endpoint.yaml")
        assert run("apply", "-y", "--require-tip", "main").code == 0
        shop.endpoint(SIMPLE.replace("CALLS", "99"))
        workspace.forget()
        result = run("apply", "-y", "--require-tip", "main")
        assert result.code == 1
        assert "error[E521]: `manifests/endpoint.yaml` differs from the commit" in result.err
        assert workspace.writes() == []


def test_sigterm_while_planning_ends_with_a_word_and_130(tmp_path):
    code = (
        "import os, signal, provisioner.cli as cli\n"
        "cli.main = lambda: os.kill(os.getpid(), signal.SIGTERM)\n"
        "cli.run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (130, "\ninterrupted\n")


STATEMENTS = [
    "SELECT list_sum(range(100000000))",
    "SELECT list_sum(range(0, 1000000000, 2))",
    "SELECT list_sum(system.main.range(1000000000))",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_one_call_of_a_statement_has_a_bound_of_memory(statement):
    from provisioner.emulator.sql.engine import Query
    from provisioner.emulator.sql.engine_process import run
    from provisioner.emulator.sql.errors import StatementError
    from provisioner.emulator.sql.executions import Cancellation

    with pytest.raises(StatementError):
        run(Query(statement, {}, {}, 10), Cancellation())


def test_ordinary_statements_are_answered_as_before():
    from provisioner.emulator.sql.engine import Query
    from provisioner.emulator.sql.engine_process import run
    from provisioner.emulator.sql.executions import Cancellation

    query = "SELECT list_sum(range(10)), repeat('ab', 2), rpad('x', 3, 'y'), lpad('x', 3, 'y')"
    assert run(Query(query, {}, {}, 10), Cancellation()).rows == [["45", "abab", "xyy", "yyx"]]
    query = "SELECT count(*) FROM range(5)"
    assert run(Query(query, {}, {}, 10), Cancellation()).rows == [["5"]]


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "])
def test_a_connection_with_unfinished_headers_is_closed(monkeypatch, sent):
    import socket

    from provisioner.emulator.http import protocol
    from provisioner.emulator.http.settings import Settings
    from provisioner.emulator.server import running

    monkeypatch.setattr(protocol, "HEADERS_TIMEOUT_S", 0.3)
    with (
        running(Settings(token="t")) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as half_open,
    ):
        half_open.sendall(sent)
        assert half_open.recv(100) == b""


def test_debug_shows_no_traceback_for_an_error_of_the_workspace(shop, run, workspace, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-wrong")
    result = run("plan", "--debug")
    assert result.code == 1
    assert "E405" in result.err
    assert "Traceback" not in result.err
