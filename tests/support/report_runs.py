"""Runs to report on, with text in every place where somebody else's text can be."""

from __future__ import annotations

from provisioner.commands.reports.report import Audit, Report
from provisioner.errors import Position, Problem, ProvisionerError, Severity
from provisioner.model.drift import Drift, DriftCategory, Drifted
from provisioner.model.outcome import Outcome, Status
from provisioner.model.paths import Key
from provisioner.model.plan import ABSENT, Action, Address, FieldChange, Operation, Plan, Step
from provisioner.model.query import CheckResult
from provisioner.model.serving import Branch

KIND = "model_serving_endpoints"
NASTY = (
    "`a``b` |c| <script>alert(1)</script> @octocat #12 ::error::x ##vso[task.setvariable a=b]c "
    "*x* _y_ [l](http://evil.example) --> \x1b[31m \u202e \x00 %0A \r & \" ' ]]> ``` ~~~ /close"
)


def step(key: str, action: Action, text: str = "plain") -> Step:
    change = FieldChange(
        ("config", "served_entities", Key(text or "x"), "entity_version"), text, f"{text}2"
    )
    changes = {
        Action.UPDATE: (change, FieldChange(("description",), ABSENT, text)),
        Action.REPLACE: (FieldChange(("task",), text, "b", Action.REPLACE, detail=text),),
        Action.CREATE: (FieldChange(("tags",), ABSENT, {text: text}, Action.CREATE),),
    }.get(action, ())
    return Step(
        Address(KIND, key),
        text,
        action,
        changes,
        (Operation("update_config", "PUT", f"/{text}", {"a": {"$secret": {"from_env": "KEY"}}}),),
        reason=text if action in (Action.BLOCKED, Action.ORPHAN) else "",
        hint=text if action is Action.BLOCKED else "",
        notes=(text,),
        desired={"name": text},
    )


def plan(text: str = "plain", *, blocked: bool = False) -> Plan:
    actions = [action for action in Action if blocked or action is not Action.BLOCKED]
    steps = tuple(step(f"{action}-{text}", action, text) for action in actions)
    return Plan("shop", "prod", "https://example.test", steps)


def problem(text: str = "plain", severity: Severity = Severity.ERROR) -> Problem:
    where = Position("manifests/a.yaml", 3, 5)
    return Problem("E104", text, where, text, severity, text, excerpt=text, width=3, log=text)


def of_plan(made: Plan, *, problems: tuple[Problem, ...] = ()) -> Report:
    branches = (Branch("a", "openai gpt", 90), Branch("b", "openai mini", 0, fallback=True))
    return Report(
        "plan",
        made.project,
        made.environment,
        made.host,
        made,
        problems=problems,
        topology=tuple((step.address, branches) for step in made.steps),
        places=tuple((step.address, Position("manifests/a.yaml", 7)) for step in made.steps),
        prefix="serving/",
        audit=Audit("0.1.0", "me@example.test", "abc", "2026-11-20T10:00:00Z"),
    )


def of_apply(text: str = "plain") -> Report:
    made = plan(text)
    error = ProvisionerError([problem(text)])
    ends = (Status.DONE, Status.FAILED, Status.NOT_STARTED, Status.STILL_UPDATING)
    outcomes = tuple(
        Outcome(
            step,
            ends[index % len(ends)],
            ("update_config",),
            error if ends[index % len(ends)] is Status.FAILED else None,
            text,
            61.5,
        )
        for index, step in enumerate(made.steps)
    )
    report = of_plan(made)
    return Report("apply", "shop", "prod", report.host, made, outcomes, audit=report.audit)


def of_checks(text: str = "plain") -> Report:
    address = Address(KIND, "chat")
    results = (
        CheckResult(address, text, text, text, False, text, 12, 3),
        CheckResult(address, text, text, text, True, "", 12, None),
    )
    return Report("verify", "shop", "prod", checks=results)


def of_drift(text: str = "plain") -> Report:
    findings = tuple(
        Drift(Address(KIND, f"{sort}-{text}"), text, sort, path, text, f"{text}2", text, text, text)
        for sort in DriftCategory
        for path in ((), ("tags", Key(text or "x")))
    )
    drifted = Drifted("shop", "prod", "https://example.test", 3, findings)
    return Report("drift", "shop", "prod", drift=drifted)


def all_with(text: str) -> list[Report]:
    """A report of each sort, all of them full of ``text``."""
    return [
        of_plan(plan(text), problems=(problem(text), problem(text, Severity.WARNING))),
        of_plan(plan(text, blocked=True)),
        of_apply(text),
        of_checks(text),
        of_drift(text),
        Report("validate", problems=(problem(text),)),
    ]
