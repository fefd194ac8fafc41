"""``apply --require-tip``: only the newest commit of a branch, and only what was committed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commands.test_apply import SCOPE, SIMPLE

MANIFEST = "manifests/endpoint.yaml"


class Clone:
    """The user's repository as a clone of a bare one, and the command line in it."""

    def __init__(self, shop: Any, run: Any, workspace: Any, remote: Path) -> None:
        self.shop, self.run, self.workspace, self.remote = shop, run, workspace, remote

    @property
    def root(self) -> Path:
        return Path(self.shop.root)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def calls(self, number: int) -> None:
        """Change the manifest."""
        self.shop.endpoint(SIMPLE.replace("CALLS", str(number)))

    def commit(self, number: int) -> str:
        self.calls(number)
        self.git("add", ".")
        self.git("commit", "-q", "-m", f"{number} calls")
        return self.git("rev-parse", "HEAD")

    def apply(self, *words: str, ref: str = "main") -> Any:
        self.workspace.forget()
        return self.run("apply", *(words or ("-y",)), "--require-tip", ref)

    def refused(self, said: str, *words: str, ref: str = "main") -> Any:
        result = self.apply(*words, ref=ref)
        assert result.code == 1
        assert said in result.err
        assert self.workspace.writes() == []
        return result


@pytest.fixture
def clone(repository, run, workspace, monkeypatch, tmp_path_factory):
    """One commit on main, pushed."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "shop")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "shop@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("SHOP_KEY", "sk-shop")
    remote = tmp_path_factory.mktemp("remote") / "shop.git"
    made = Clone(repository, run, workspace, remote)
    repository.write("manifests/scope.yaml", SCOPE)
    made.git("init", "-q", "-b", "main")
    made.git("init", "-q", "--bare", "-b", "main", str(remote))
    made.git("remote", "add", "origin", str(remote))
    made.commit(10)
    made.git("push", "-q", "-u", "origin", "main")
    return made


def live_calls(clone: Clone) -> int:
    number: int = clone.workspace.endpoint("chat")["ai_gateway"]["rate_limits"][0]["calls"]
    return number


def overtake(clone: Clone) -> None:
    """A newer commit is at the remote; the clone is at the old one and knows nothing of it."""
    old = clone.git("rev-parse", "HEAD")
    clone.commit(99)
    clone.git("push", "-q")
    clone.git("reset", "-q", "--hard", old)
    clone.git("update-ref", "refs/remotes/origin/main", old)


@pytest.mark.parametrize(
    "ref", ["main", "origin/main", "refs/heads/main", "refs/remotes/origin/main"]
)
def test_the_tip_is_applied_however_the_branch_is_spelt(clone, ref):
    result = clone.apply(ref=ref)
    assert result.code == 0, result.err
    assert live_calls(clone) == 10


def test_a_branch_is_looked_for_where_it_is_followed(clone):
    clone.git("checkout", "-q", "-b", "mine")
    clone.git("config", "branch.mine.remote", "origin")
    clone.git("config", "branch.mine.merge", "refs/heads/main")
    assert clone.apply(ref="mine").code == 0
    overtake_from_mine = clone.git("rev-parse", "HEAD")
    clone.commit(12)
    clone.git("push", "-q", "origin", "mine:main")
    clone.git("reset", "-q", "--hard", overtake_from_mine)
    clone.refused("the newest commit of `main` of `origin` is", ref="mine")


def test_without_a_remote_the_branch_of_this_repository_counts(clone):
    clone.git("remote", "remove", "origin")
    assert clone.apply().code == 0
    clone.git("checkout", "-q", "--detach")
    clone.commit(12)
    result = clone.refused("but the newest commit of `main` is")
    assert "HEAD is ahead of it: merge and push the reviewed commits first" in result.err


def test_a_detached_head_and_a_shallow_clone_as_ci_makes_them_are_fine(clone):
    clone.commit(11)
    clone.git("push", "-q")
    shutil.rmtree(clone.root / ".git")
    clone.git("init", "-q")
    clone.git("remote", "add", "origin", f"file://{clone.remote}")
    clone.git("fetch", "-q", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    clone.git("checkout", "-q", "--force", "--detach", "origin/main")
    assert clone.git("rev-parse", "--is-shallow-repository") == "true"
    assert clone.apply().code == 0
    assert live_calls(clone) == 11


def test_an_older_commit_is_refused_although_the_clone_does_not_know_the_newer_one(clone):
    old = clone.git("rev-parse", "HEAD")
    overtake(clone)
    result = clone.refused("error[E520]: HEAD is " + old[:12])
    assert "let the job of the newer commit apply" in result.err


def test_what_is_not_pushed_is_refused(clone):
    clone.commit(12)
    clone.refused("HEAD is ahead of it: merge and push the reviewed commits first")


def test_a_branch_that_moves_before_the_first_write_is_left_to_the_newer_job(clone, tmp_path):
    """The remote's own program moves the branch before it answers for the second time."""
    clone.commit(99)
    clone.git("push", "-q", "origin", "main:next")
    clone.git("reset", "-q", "--hard", "HEAD~1")
    asked, program = clone.remote / "asked", clone.remote / "answer"
    move = f"git -C {clone.remote} update-ref refs/heads/main refs/heads/next"
    program.write_text(
        f'#!/bin/sh\n[ -e {asked} ] && {move}\ntouch {asked}\nexec git-upload-pack "$@"\n'
    )
    program.chmod(0o755)
    clone.git("config", "remote.origin.uploadpack", str(program))
    result = clone.refused("error[E520]: `main` of `origin` moved to")
    assert "nothing was changed" in result.err
    assert "+ create  model_serving_endpoints.chat" in result.out


def test_a_changed_file_is_refused(clone):
    clone.calls(50)
    clone.refused("error[E521]: `manifests/endpoint.yaml` differs from the commit")
    clone.git("add", ".")
    clone.refused("error[E521]: `manifests/endpoint.yaml` differs from the commit")


def test_a_manifest_that_git_does_not_know_is_refused_and_other_files_are_not(clone):
    clone.shop.write("notes.txt", "mine")
    assert clone.apply().code == 0
    more = "resources: {secret_scopes: {more: {name: more}}}"
    clone.shop.write("manifests/more.yaml", more)
    clone.shop.write(".gitignore", "more.yaml\n")
    clone.refused("error[E521]: git does not track `manifests/more.yaml`")


def test_a_project_below_the_top_of_the_repository_minds_its_own_files_only(clone, tmp_path):
    clone.git("rm", "-q", "-r", "--cached", ".")
    other = clone.root / "other"
    inner = clone.root / "serving"
    inner.mkdir()
    other.mkdir()
    for name in ("provisioner.yaml", "environments", "manifests"):
        shutil.move(clone.root / name, inner / name)
    (other / "code.py").write_text("1")
    clone.git("add", ".")
    clone.git("commit", "-q", "-m", "moved")
    clone.git("push", "-q")
    (other / "code.py").write_text("2")
    assert clone.run("apply", "-y", "--require-tip", "main", "-C", str(inner)).code == 0
    (inner / "provisioner.yaml").write_text("project: shop  # the same\n")
    result = clone.run("apply", "-y", "--require-tip", "main", "-C", str(inner))
    assert "`provisioner.yaml` differs from the commit" in result.err


class TestASavedPlan:
    def save(self, clone: Clone, path: Path) -> str:
        result = clone.run("plan", "--out", str(path))
        assert result.code == 0, result.err
        return str(path)

    @pytest.fixture
    def saved(self, clone, tmp_path_factory):
        return self.save(clone, tmp_path_factory.mktemp("plans") / "plan.json")

    def test_of_these_manifests_is_applied_also_at_a_later_commit(self, clone, saved):
        clone.shop.write("README.md", "new")
        clone.git("add", ".")
        clone.git("commit", "-q", "-m", "words")
        clone.git("push", "-q")
        assert clone.apply(saved).code == 0

    def test_of_other_manifests_is_refused(self, clone, saved):
        clone.commit(30)
        clone.git("push", "-q")
        # The plan is computed again from these manifests, and is another one.
        clone.refused("error[E528]: `model_serving_endpoints.chat`", saved)

    def test_is_refused_at_an_older_commit(self, clone, saved):
        overtake(clone)
        clone.refused("error[E520]: HEAD is", saved)


class TestWhereNobodyCanTell:
    def test_without_git(self, clone, monkeypatch):
        monkeypatch.setenv("PATH", "")
        clone.refused("error[E516]: git is required, but cannot be started")

    def test_outside_of_a_repository(self, clone, monkeypatch):
        shutil.rmtree(clone.root / ".git")
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(clone.root.parent))
        clone.refused("error[E517]: --require-tip needs a git repository")

    def test_before_the_first_commit(self, clone):
        clone.git("update-ref", "-d", "refs/heads/main")
        clone.refused("error[E517]: --require-tip needs a commit")

    @pytest.mark.parametrize("ref", ["mian", "origin/mian", "refs/heads/mian"])
    def test_a_branch_that_does_not_exist(self, clone, ref):
        result = clone.refused("error[E518]: the remote `origin` has no branch `mian`", ref=ref)
        assert "git ls-remote --heads origin" in result.err

    @pytest.mark.parametrize("ref", ["a..b", "main^", "two words"])
    def test_what_is_no_branch_at_all(self, clone, ref):
        clone.refused(f"error[E518]: `{ref}` cannot be the name of a branch", ref=ref)

    def test_what_looks_like_an_option_is_the_name_of_a_branch(self, clone):
        clone.refused("has no branch `--upload-pack=x`", ref="--upload-pack=x")

    def test_a_tag_is_no_branch(self, clone):
        clone.git("tag", "v1")
        clone.git("push", "-q", "origin", "v1")
        clone.refused("has no branch `v1`", ref="v1")

    def test_a_remote_that_is_gone(self, clone):
        shutil.rmtree(clone.remote)
        result = clone.refused("error[E519]: the remote `origin` did not return the newest commit")
        assert "does not appear to be a git repository" in result.err

    def test_a_remote_that_never_answers(self, clone, monkeypatch):
        program = clone.remote / "sleeps"
        program.write_text("#!/bin/sh\nsleep 60\n")
        program.chmod(0o755)
        clone.git("config", "remote.origin.uploadpack", str(program))
        monkeypatch.setattr("provisioner.commands.apply.required_tip.NETWORK_S", 0.2)
        result = clone.refused("error[E519]: the remote `origin` did not return the newest commit")
        assert "no answer within 0 s" in result.err

    def test_a_remote_that_wants_a_login_is_not_asked_for_long_nor_shown(self, clone, workspace):
        url = workspace.server.url.replace("://", "://me:canary@") + "/shop.git"
        clone.git("remote", "set-url", "origin", url)
        result = clone.refused("error[E519]: the remote `origin` did not return the newest commit")
        assert "canary" not in result.out + result.err


def test_nothing_to_do_is_no_reason_to_ask_the_remote_again(clone):
    assert clone.apply().code == 0
    result = clone.apply()
    assert result.code == 0
    assert "Nothing to do." in result.err
