"""Rules of the local workspace, each with its source and its trust, read from comments in the code.

A comment directly above the code that refuses or limits something names the rule::

    # rule(documented): A description has at most 1000 characters. [serving-api 3.6]

What is only assumed says when it refuses: ``rule(assumed, strict)`` only with ``--strict``,
``rule(assumed, always)`` in every local workspace, with the reason in its sentence.

``rules(...)`` instead of ``rule(...)`` covers everything that its module refuses. Lines that go on
with a rule are indented. The last pair of brackets names the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# What a claim about the service rests on [serving-api 0.1], from the strongest to the weakest, and
# last what is no claim about the service at all, but a limit of the local workspace.
TRUSTS = {
    "documented": "documented",
    "recorded": "recorded",
    "client": "used by a public client",
    "assumed": "assumed",
    "local": "the local workspace's own",
}
FOLDER = Path(__file__).parent
# When a rule refuses that is only assumed: a local workspace takes what nobody knows to be refused,
# unless taking it would be an invention of its own.
REFUSALS = {"strict": "with `--strict`", "always": "always"}
FIRST_LINE = re.compile(
    r"\s*# (?P<scope>rules?)\((?P<trust>\w+)(, (?P<refusal>\w+))?\): (?P<text>.+)"
)
NEXT_LINE = re.compile(r"\s*#     (?P<text>\S.*)")
SOURCE = re.compile(r"(?P<text>.+?) \[(?P<source>[^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class SourcedRule:
    """A rule as its comment states it.

    ``module`` is the path below the emulator's folder, ``line`` the comment's first line,
    ``trust`` a key of ``TRUSTS``. ``source`` is empty for rules of the local workspace's own.
    ``refusal`` is a key of ``REFUSALS``, or empty for a rule that is not only assumed.
    """

    module: str
    line: int
    text: str
    source: str
    trust: str
    refusal: str
    covers_module: bool


def read_rules(folder: Path = FOLDER) -> Iterator[SourcedRule]:
    """Yields the rules of all modules, by module and line."""
    for file in sorted(folder.rglob("*.py")):
        # This module's docstring shows the form of a rule, and states none.
        if file != Path(__file__):
            lines = file.read_text(encoding="utf-8").split("\n")
            yield from _rules_of(file.relative_to(folder).as_posix(), lines)


def _rules_of(module: str, lines: Sequence[str]) -> Iterator[SourcedRule]:
    for index, line in enumerate(lines):
        first = FIRST_LINE.fullmatch(line)
        if first is None:
            continue
        words = [first["text"]]
        for following in lines[index + 1 :]:
            continued = NEXT_LINE.fullmatch(following)
            if continued is None:
                break
            words.append(continued["text"])
        whole = " ".join(words)
        sourced = SOURCE.fullmatch(whole)
        text, source = (sourced["text"], sourced["source"]) if sourced else (whole, "")
        yield SourcedRule(
            module=module,
            line=index + 1,
            text=text,
            source=source,
            trust=first["trust"],
            refusal=first["refusal"] or "",
            covers_module=first["scope"] == "rules",
        )
