"""Whether HEAD is the tip of a branch, so that an older job cannot undo a newer one.

The remote is asked, because a clone only knows what was there when it was made. Commits are
compared: a detached HEAD and a shallow clone, as CI systems make them, are fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.errors import Problem, RefusedError, UsageError
from provisioner.files.git import NETWORK_S, git, head
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import FOLDER, PROJECT_FILE, Environment
from provisioner.model.plan import Plan

OPTION: Final = "--require-tip"
_HEADS: Final = "refs/heads/"
_REMOTES: Final = "refs/remotes/"
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class GitBranch:
    """``remote`` ``""`` is this very repository."""

    remote: str
    name: str

    def __str__(self) -> str:
        return f"`{self.name}` of `{self.remote}`" if self.remote else f"`{self.name}`"


@dataclass(frozen=True, slots=True)
class RequiredTip:
    """``commit`` is the HEAD that was the tip of ``branch`` when the command began."""

    root: Path
    branch: GitBranch
    commit: str

    @classmethod
    def of(cls, root: Path, ref: str) -> RequiredTip:
        """The tip of ``ref``, ``BRANCH`` or ``REMOTE/BRANCH``, which HEAD is.

        Raises RefusedError where it is not, or where it is unknown, and UsageError where
        there is no such branch.
        """
        commit = head(root, OPTION)
        branch = branch_of(root, ref)
        tip = tip_of(root, branch)
        if tip != commit:
            raise _not_the_tip(root, branch, commit, tip)
        return cls(root, branch, commit)

    def check_files(self, environment: Environment, loaded: Loaded) -> None:
        """Raise RefusedError unless what was loaded is what the commit has."""
        now = head(self.root, OPTION)
        # A runner that shares its checkout may move HEAD while manifests are read.
        if now != self.commit:
            message = (
                f"HEAD changed from {_short(self.commit)} to {_short(now)} while the "
                "command was running"
            )
            raise RefusedError.of("E520", message, "run the command again")
        read = _files_read(environment, loaded)
        changed = tuple(sorted({*_changed(self.root), *_overlooked(self.root, read)}))
        unknown = _untracked(self.root, read)
        problems = []
        if changed:
            difference = f"{_named(changed)} differ from the commit {_short(self.commit)}"
            problems.append(
                _dirty(difference if len(changed) > 1 else difference.replace("differ", "differs"))
            )
        if unknown:
            problems.append(_dirty(f"git does not track {_named(unknown)}"))
        if problems:
            raise RefusedError(problems)

    def check_plan(self, plan: Plan, loaded: Loaded) -> None:
        """Raise RefusedError if a saved ``plan`` is of other manifests than ``loaded``."""
        if plan.source.digest != loaded.digest:
            made = plan.source.git_commit[:12]
            origin = f"the plan was made at {made}, from" if made else "the plan was made from"
            message = f"{origin} other manifests than those of the newest commit of {self.branch}"
            hint = "make a new plan at the newest commit, and have it approved"
            raise RefusedError.of("E522", message, hint)

    def check_again(self) -> None:
        """Raise RefusedError if the branch has another tip by now: nothing is written then."""
        tip = tip_of(self.root, self.branch)
        if tip != self.commit:
            message = (
                f"{self.branch} moved to {_short(tip)} after this command started at "
                f"{_short(self.commit)}: nothing was changed"
            )
            raise RefusedError.of("E520", message, "let the job of the newer commit apply")


def branch_of(root: Path, ref: str) -> GitBranch:
    """Which branch ``ref`` means: of the remote it begins with, else of the one it follows.

    A branch that follows none is looked for at ``origin``, and here if there is no such
    remote. Raises UsageError for what cannot be the name of a branch.
    """
    name = ref.removeprefix(_REMOTES)
    if git(root, "check-ref-format", _HEADS + name).code:
        raise UsageError.of("E518", f"`{ref}` cannot be the name of a branch", "write origin/main")
    remotes = git(root, "remote").text.splitlines()
    spelt = [remote for remote in remotes if name.startswith(f"{remote}/")]
    if spelt and not ref.startswith(_HEADS):
        # A remote may have a slash in its name: with `a` and `a/b`, `a/b/main` is of `a/b`.
        remote = max(spelt, key=len)
        return GitBranch(remote, name.removeprefix(f"{remote}/"))
    name = name.removeprefix(_HEADS)
    followed = git(root, "config", f"branch.{name}.remote").text
    if followed in remotes:
        merged = git(root, "config", f"branch.{name}.merge").text
        return GitBranch(followed, merged.removeprefix(_HEADS) or name)
    return GitBranch("origin" if "origin" in remotes and followed != "." else "", name)


def tip_of(root: Path, branch: GitBranch) -> str:
    """The full hash of the commit at the tip. Raises UsageError where there is none.

    Raises RefusedError where the remote does not answer.
    """
    ref = _HEADS + branch.name
    if not branch.remote:
        here = git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if here.code:
            raise _no_branch(root, branch)
        return here.text
    # The remote-tracking branch may be days old; only the remote knows its tip.
    answer = git(root, "ls-remote", "--refs", "--", branch.remote, ref, limit_s=NETWORK_S)
    if answer.code:
        message = (
            f"the remote `{branch.remote}` did not return the newest commit of `{branch.name}`"
        )
        hint = (
            f"the remote needs a login that can read it. To test it: git ls-remote {branch.remote}"
        )
        raise RefusedError.of("E519", message, hint, log=answer.complaint)
    # ls-remote matches the end of a name as well: `refs/heads/x/main` would answer for `main`.
    for line in answer.text.splitlines():
        commit, _, name = line.partition("\t")
        if name == ref:
            return commit
    raise _no_branch(root, branch)


def _no_branch(root: Path, branch: GitBranch) -> UsageError:
    where = f"the remote `{branch.remote}`" if branch.remote else "this repository"
    see = f"git ls-remote --heads {branch.remote}" if branch.remote else "git branch"
    return UsageError.of("E518", f"{where} has no branch `{branch.name}`", f"its branches: {see}")


def _not_the_tip(root: Path, branch: GitBranch, commit: str, tip: str) -> RefusedError:
    message = f"HEAD is {_short(commit)}, but the newest commit of {branch} is {_short(tip)}"
    hint = "let the job of the newer commit apply, or update this clone: git pull"
    # Exit code 0 says that the tip is an ancestor: HEAD has commits that no review has seen.
    if not git(root, "merge-base", "--is-ancestor", tip, commit).code:
        hint = "HEAD is ahead of it: merge and push the reviewed commits first"
    return RefusedError.of("E520", message, hint)


def _changed(root: Path) -> tuple[str, ...]:
    """The tracked files of the project that differ from HEAD."""
    answer = git(
        root, "diff", "--no-ext-diff", "--name-only", "--relative", "-z", "HEAD", "--", "."
    )
    if answer.code:
        message = "git cannot compare the files with the commit"
        raise RefusedError.of("E521", message, "git status", log=answer.complaint)
    return answer.names


def _files_read(environment: Environment, loaded: Loaded) -> frozenset[str]:
    """The files that the plan was made from, relative to the project root."""
    read = {PROJECT_FILE, f"{FOLDER}/{environment.name}.yaml", *loaded.files}
    if environment.promotion.releases:
        read.add(f"{FOLDER}/releases/{environment.name}.yaml")
    return frozenset(read)


def _overlooked(root: Path, read: frozenset[str]) -> Iterator[str]:
    """The files of ``read`` that git is told not to look at, and that differ from HEAD.

    ``skip-worktree`` and ``assume-unchanged`` hide an edit from every comparison of git, so the
    contents are compared. ``ls-files -v`` marks them with S and with a letter in lower case.
    """
    for entry in git(root, "ls-files", "-v", "-z").names:
        mark, _, name = entry.partition(" ")
        if name not in read or not (mark == "S" or mark.islower()):
            continue
        committed = git(root, "rev-parse", "--verify", "--quiet", f"HEAD:./{name}")
        present = git(root, "hash-object", f"--path={name}", "--", name)
        if committed.code or present.code or committed.text != present.text:
            yield name


def _untracked(root: Path, read: frozenset[str]) -> tuple[str, ...]:
    """What was loaded though no commit has it."""
    tracked = git(root, "ls-files", "-z").names
    return tuple(sorted(name for name in read.difference(tracked) if (root / name).exists()))


def _dirty(message: str) -> Problem:
    hint = "commit or restore the files (git status shows them): only reviewed files can be applied"
    return Problem("E521", message, hint=hint)


def _named(files: Iterable[str]) -> str:
    names = [f"`{name}`" for name in files]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _short(commit: str) -> str:
    return commit[:12]
