"""Wording: words that no text for users has.

docs/concepts/glossary.md fixes the words for the things of this tool.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sources import MODULES, ROOT, nodes_of, place

# Word -> what to write instead.
REFUSED = {
    r"ours|theirs": "managed by this project, or by another project",
    r"our|we": "the name of the thing: the ownership tags, the tool",
    r"nobody|somebody|whoever|whatever": "the user, another user, the creator, or no person at all",
    r"(?:is|are|was|were|be|being) told": "gets, is shown",
    r"stands? (?:in|at|there|below|above|beside)": "is in, is at",
    r"ways? out": "to resolve",
    r"mend(?:s|ed)?": "fix",
    r"(?:takes?|taken|took|taking) off": "remove",
    r"as it was": "unchanged",
    r"anew": "again",
    r"that is none": "unknown, not a ...",
    r"as far as is known": "probably",
    r"goes? on managing": "can still manage",
    r"is no (?:file|text|json|utf-8|manifest|regular expression)": "is not a ...",
    r"nothing says": "... is missing",
    r"written out|write (?:it|them) out": "a literal value, replace it with a value",
    r"in a circle": "in a cycle",
    r"(?:below|beside) (?:it|them) stands?": "contains",
    r"could not be had|cannot be had": "cannot get",
    r"behind the manifests": "differs from the manifests",
    r"is there (?:already|twice)": "already exists, occurs twice",
    r"is it applied\?": "run `provisioner apply` first",
    r"under way|on its way": "in progress, active, moving to",
    r"puts? off": "postpone",
    r"at the tip": "the newest commit",
    r"does not (?:say|tell)": "does not show, does not contain, it is unknown",
    r"(?:cannot|can) be asked": "can be queried",
    r"blanks": "spaces",
    r"judge[sd]": "evaluate",
    r"take[sn]? (?:it|them) out|taken out": "remove",
    r"put (?:it|them) back": "restore",
    r"for good": "permanently",
    r"no way today": "not supported",
}
RULES = "rules.md"
PATTERN = re.compile(rf"\b(?:{'|'.join(REFUSED)})\b", re.IGNORECASE)
TEXTS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Dockerfile",
    "action.yml",
    "docs/**/*.md",
    "examples/**/*.md",
    "examples/**/*.yaml",
    "environments/*.yaml",
    "provisioner/errors/codes.toml",
    "provisioner/commands/init/templates/**/*",
    "provisioner/commands/reports/page.*",
    "provisioner/emulator/*.md",
    "provisioner/emulator/console/*",
    "schemas/**/*.json",
)


def test_texts_for_users_have_no_refused_word() -> None:
    offenders = [
        f"{where}: `{match[0]}` in {text[max(0, match.start() - 40) : match.end() + 20]!r}"
        for where, text in (*_literals(), *_lines())
        for match in PATTERN.finditer(text)
    ]
    assert not offenders, "\n".join(offenders)


def _lines() -> Iterator[tuple[str, str]]:
    """The lines of the pages and files that users read."""
    for pattern in TEXTS:
        for file in ROOT.glob(pattern):
            # Pages for contributors are about the code, and use its words. Users read the rules.
            if not file.is_file() or ("contributing" in file.parts and file.name != RULES):
                continue
            lines = file.read_text(encoding="utf-8").splitlines()
            if file.suffix == ".js":
                # The comments of a script are for those who change it.
                lines = [line.partition("// ")[0] for line in lines]
            yield from (
                (f"{file.relative_to(ROOT)}:{number}", line) for number, line in enumerate(lines, 1)
            )


def _literals() -> Iterator[tuple[str, str]]:
    """The texts in the code that may be shown: all but docstrings; those of commands are help."""
    for file in MODULES:
        docstrings = set(_docstrings(file))
        for node in nodes_of(file):
            shown = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if shown and id(node) not in docstrings:
                yield f"{place(file)}:{node.lineno}", node.value


def _docstrings(file: Path) -> Iterator[int]:
    """The ids of the texts that document code: docstrings, and texts below an attribute."""
    for node in nodes_of(file):
        is_command = isinstance(node, ast.FunctionDef) and any(
            "command" in ast.unparse(decorator) or "group" in ast.unparse(decorator)
            for decorator in node.decorator_list
        )
        body = getattr(node, "body", ())
        for statement in body if isinstance(body, list) else ():
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if is_text and not is_command:
                yield id(statement.value)
