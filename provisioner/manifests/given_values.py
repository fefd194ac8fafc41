"""Values for variables from the command line and from the process's environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.errors import FileError, Problem, UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests.references import NoValueError
from provisioner.manifests.yaml.builder import meaning
from provisioner.manifests.yaml.source import parse

FROM_ENVIRONMENT: Final = "PROVISIONER_VAR_"
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Outside:
    """What is said outside of the files: values for variables by name, and ``environ``.

    ``options`` are those of ``--var``, which win over ``PROVISIONER_VAR_NAME``.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[str], environ: Mapping[str, str]) -> Outside:
        """``pairs`` are ``NAME=VALUE``. Raises UsageError for one that is not."""
        options: dict[str, str] = {}
        for pair in pairs:
            name, sign, value = pair.partition("=")
            if not sign or not VARIABLE.fullmatch(name):
                hint = "write --var NAME=VALUE"
                raise UsageError.of("E816", "`--var` sets no variable", hint)
            options[name] = value
        return cls(options, environ)

    def given(self) -> dict[str, tuple[str, str]]:
        """By variable its value, and how it was given."""
        named = {
            name.removeprefix(FROM_ENVIRONMENT): (value, name)
            for name, value in sorted(self.environ.items())
            if name.startswith(FROM_ENVIRONMENT)
        }
        return named | {name: (value, f"--var {name}") for name, value in self.options.items()}


def check_given(outside: Outside, declarations: Iterable[Mapping[str, Any]]) -> None:
    """Raise UsageError for values from outside that no environment has a variable for.

    ``declarations`` are the variables of each: it is enough that one of them has it.
    """
    every = list(declarations)
    known = {name for declared in every for name in declared}
    problems = []
    for name, (text, how) in outside.given().items():
        if name not in known:
            hint = did_you_mean(name, known, f"the variables are {listed(sorted(known), 'none')}")
            problems.append(Problem("E816", f"{how}: there is no variable `{name}`", hint=hint))
        for declared in every:
            try:
                typed(text, how, declared.get(name, ""))
            except NoValueError as error:
                problems.append(Problem(error.code, error.message, hint=error.hint))
    if problems:
        raise UsageError(dict.fromkeys(problems))


def typed(text: str, how: str, declared: Any) -> Any:
    """``text`` as a value of the type that the file's value has. Raises NoValueError."""
    if isinstance(declared, str):
        return text
    try:
        is_part = isinstance(declared, dict | list)
        value = parse(how, text.encode()).data if is_part else meaning(text)
    except FileError as error:
        raise NoValueError("E817", f"{how}: {error.problems[0].message}") from error
    if _sort(value) == _sort(declared):
        return value
    hint = "the value must have the same type as the value in the file"
    raise NoValueError("E817", f"{how} must be {_sort(declared)}", hint)


def _sort(value: Any) -> str:
    for types, words in _SORTS:
        if isinstance(value, types):
            return words
    return "nothing"


_SORTS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "`true` or `false`"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)
