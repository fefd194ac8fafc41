"""The ownership tags of an endpoint, as tests write and read them."""

from __future__ import annotations

from collections.abc import Mapping


def owner_of(tags: Mapping[str, str]) -> str:
    """``PROJECT/ENVIRONMENT`` of the tags, key to value."""
    return f"{tags['provisioner_project']}/{tags['provisioner_environment']}"


def owner_tags(owner: str) -> list[dict[str, str]]:
    """The two tags of ``PROJECT/ENVIRONMENT``."""
    project, environment = owner.split("/")
    return [
        {"key": "provisioner_project", "value": project},
        {"key": "provisioner_environment", "value": environment},
    ]
