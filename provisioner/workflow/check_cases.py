"""Checks over a file of cases: each case is a question, and a share of them has to pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from provisioner.manifests.lifecycle import CASES
from provisioner.model.paths import Document
from provisioner.model.query import CaseCounts, CheckResult, FailedCase
from provisioner.workflow.parallel import map_parallel

PARALLELISM: Final = 8
ALL: Final = "100%"
Ask = Callable[[Document], CheckResult]


def has_cases(check: Document) -> bool:
    """Whether ``check`` asks the questions of a file."""
    return CASES in check


def with_cases(check: Document, ask: Ask) -> CheckResult:
    """The result of ``check``: of its one question, or of all its cases."""
    if not has_cases(check):
        return ask(check)
    cases: dict[str, Any] = check[CASES]
    # A check may be about a version of its own, which a rollout puts into it afterwards.
    entity = {"entity": check["entity"]} if "entity" in check else {}
    questions = [{**entity, **question, **entity} for question in cases["questions"]]
    results = map_parallel(ask, questions, PARALLELISM)
    failed = tuple(
        FailedCase(line, result.message)
        for line, result in zip(cases["lines"], results, strict=True)
        if not result.passed
    )
    needed = float(str(check.get("pass_rate", ALL)).removesuffix("%"))
    return _summed(check, results, CaseCounts(cases["file"], len(results), needed, failed))


def _summed(check: Document, results: Sequence[CheckResult], counts: CaseCounts) -> CheckResult:
    tokens = [result.tokens for result in results if result.tokens is not None]
    passed = counts.rate >= counts.needed
    first = counts.failed[0] if counts.failed else None
    example = f"; {counts.file}:{first.line}: {first.message}" if first else ""
    return replace(
        results[0],
        check=str(check.get("name", "")),
        passed=passed,
        message="" if passed else f"{counts.text}{example}",
        duration_ms=max(result.duration_ms for result in results),
        tokens=sum(tokens) if tokens else None,
        cases=counts,
    )
