"""Reads generated pipelines as their systems would: jobs, and the shell steps of each.

Only as much of each system as our templates use: `extends`, templates with parameters, and
expressions that a table answers. What the table does not know is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SHELLS = {
    "github": ("bash", "-e"),
    "gitlab": ("bash", "-eo", "pipefail"),
    "azure": ("bash", "--noprofile", "--norc"),
}


@dataclass(frozen=True)
class Step:
    """A piece of shell with the variables that the pipeline sets for it."""

    name: str
    script: str
    shell: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def steps(root: Path, system: str, job: str, values: Mapping[str, str]) -> list[Step]:
    """The steps of ``job``, ``FILE:JOB`` (GitLab: the job), with ``values`` for expressions."""
    return list({"github": _github, "gitlab": _gitlab, "azure": _azure}[system](root, job, values))


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """``value`` with every ``${{ expression }}`` and Azure's ``$(NAME)`` replaced."""
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", lambda found: values[found.group(1)], value)


def _github(root: Path, job: str, values: Mapping[str, str]) -> Iterator[Step]:
    file, name = job.split(":")
    workflow = _load(root / ".github/workflows" / file)
    found = workflow["jobs"][name]
    around = {**workflow.get("env", {}), **found.get("env", {})}
    for step in found["steps"]:
        if "run" in step:
            variables = _filled({**around, **step.get("env", {})}, values)
            script = _filled(step["run"], values)
            yield Step(step["name"], script, SHELLS["github"], variables)


def _gitlab(root: Path, job: str, values: Mapping[str, str]) -> Iterator[Step]:
    pipeline = _load(root / ".gitlab-ci.yml")
    found = _extended(pipeline, job)
    variables = {
        name: value["value"] if isinstance(value, dict) else value
        for name, value in {**pipeline["variables"], **found.get("variables", {})}.items()
    }
    before = pipeline["default"]["before_script"]
    script = "\n".join([*found.get("before_script", before), *found["script"]])
    yield Step(job, script, SHELLS["gitlab"], {**variables, **values})


def _extended(pipeline: Mapping[str, Any], name: str) -> dict[str, Any]:
    own = pipeline[name]
    parents = own.get("extends", [])
    made: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        made = _merged(made, _extended(pipeline, parent))
    return _merged(made, own)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = _merged(both[key], value) if nested else value
    return both


def _azure(root: Path, job: str, values: Mapping[str, str]) -> Iterator[Step]:
    """``FILE:JOB``; the values of parameters are under ``parameters.NAME``."""
    file, name = job.split(":")
    path = root / file
    pipeline = _load(path)
    jobs = [job for stage in pipeline.get("stages", ()) for job in stage.get("jobs", ())]
    alone = [{"job": "", "steps": pipeline.get("steps")}]
    for found in _filled(pipeline.get("jobs") or jobs or alone, values):
        if name in (found.get("job"), found.get("deployment")):
            inner = found.get("steps") or found["strategy"]["runOnce"]["deploy"]["steps"]
            yield from _azure_steps(path.parent, inner)


def _azure_steps(folder: Path, found: list[Any]) -> Iterator[Step]:
    for step in found:
        if "template" in step:
            given = {
                f"parameters.{key}": value for key, value in step.get("parameters", {}).items()
            }
            template = _load(folder / step["template"])
            defaults = {
                f"parameters.{each['name']}": str(each["default"])
                for each in template.get("parameters", ())
                if "default" in each
            }
            given = defaults | {name: str(value) for name, value in given.items()}
            inner = template["steps"]
            yield from _azure_steps(folder, _filled(inner, given))
        script = step.get("script") or step.get("inputs", {}).get("inlineScript")
        if script:
            name = step.get("displayName", "")
            yield Step(name, script, SHELLS["azure"], step.get("env", {}))
