"""The targets of a bundle, each with what it makes of the bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from provisioner.commands.importing.bundle.documents import Documents, documents
from provisioner.commands.importing.bundle.files import BundleFiles, value_at
from provisioner.commands.importing.bundle.fold import folded, mapping
from provisioner.commands.importing.bundle.references import (
    NAME_PREFIX,
    SHORT_NAME,
    USER,
    Resolver,
    literal,
    normalised_prefix,
    used_variables,
    variable_of,
)
from provisioner.kinds.bundle_vocabulary import PERMISSIONS
from provisioner.model.paths import Document

DEFAULT: Final = "default"
"""The target that the CLI implies where a bundle has none."""
DEVELOPMENT, PRODUCTION = "development", "production"
OF_DEVELOPMENT: Final = "[dev ${workspace.current_user.short_name}] "
"""The prefix of names in development mode, as databricks/cli apply_target_mode.go has it."""
FROM_ENVIRONMENT: Final = "BUNDLE_VAR_"
"""How the Databricks CLI names the environment variables that set a bundle's variables."""
NOT_KNOWN: Final = {SHORT_NAME: "your_short_name", USER: "you@example.com"}
"""What takes the place of the user's name, which is not known offline."""
_FOLDED: Final = ("bundle", "workspace", "resources", PERMISSIONS, "presets")
_DEFINITION: Final = frozenset(("default", "description", "lookup", "type"))


@dataclass(frozen=True, slots=True)
class Target:
    """One target. ``data`` is the bundle with it laid on, ``prefix`` goes before names.

    ``documents`` are its resources. ``overrides`` are its values of variables as written, and
    ``declared`` the variables of the bundle.
    """

    name: str
    data: Document
    mode: str
    prefix: str
    documents: Documents
    resolver: Resolver
    overrides: Document
    declared: Document

    @property
    def workspace(self) -> Document:
        """The workspace as an environment's file has it; empty where none is named."""
        settings = mapping(self.data.get("workspace"))
        host, profile = settings.get("host"), settings.get("profile")
        if isinstance(host, str):
            host = host_of(literal(self.resolver.resolved(host), self.plain_values(), self.name))
            if "${" not in host:
                return {"host": host}
        if isinstance(profile, str) and "${" not in profile:
            return {"profile": profile}
        return {}

    def plain_values(self) -> dict[str, Any]:
        """The values of variables that are written out."""
        values = {}
        for name in self.declared:
            value = self.value(name)
            if value is not None:
                values[variable_of(name)] = value
        return values

    def value(self, name: str) -> Any:
        """The value of the variable ``name`` with references in our terms; None without one."""
        for written in (self.overrides.get(name), self.declared.get(name)):
            if isinstance(written, dict) and written.keys() <= _DEFINITION:
                if "lookup" in written:
                    return None
                written = written.get("default")
            # A default of null is none: the CLI then asks for a value.
            if written is not None:
                return self.resolver.resolved(written)
        return None

    def variables(self, users: Any) -> tuple[Document, tuple[str, ...]]:
        """The variables that ``users`` refer to, also through others, and those without a value."""
        names = {variable_of(name): name for name in self.declared}
        made: Document = {}
        missing: list[str] = []
        wanted = list(used_variables(users))
        while wanted:
            name = wanted.pop(0)
            if name in made or not (name in names or name in self.resolver.derived):
                continue
            value = self._derived(name) if name not in names else self.value(names[name])
            if value is None:
                missing.append(name)
                value = f"${{env.{FROM_ENVIRONMENT}{name}}}"
            made[name] = value
            wanted += used_variables(value)
        return dict(sorted(made.items())), tuple(missing)

    def _derived(self, name: str) -> Any:
        if name in NOT_KNOWN:
            return NOT_KNOWN[name]
        if name == NAME_PREFIX:
            return self.prefix
        steps = self.resolver.derived[name]
        if steps[0] == "variables":
            return value_at(self.value(steps[1]), steps[2:])
        value = value_at(self.data, steps)
        if steps[-1] == "host" and isinstance(value, str):
            return host_of(value)
        return self.resolver.resolved(value)


def targets_of(bundle: BundleFiles) -> Iterator[Target]:
    """The targets of ``bundle``; the implied one where it has none."""
    written = bundle.targets or {DEFAULT: {}}
    has_prefix = any(_prefix(_laid(bundle.data, target), target) for target in written.values())
    for name, target in written.items():
        yield _target(bundle.data, name, target, has_prefix)


def base_of(bundle: BundleFiles, resolver: Resolver) -> Documents:
    """The resources of the bundle without any target."""
    return documents(bundle.data, resolver)


def _target(whole: Document, name: str, target: Document, has_prefix: bool) -> Target:
    data = _laid(whole, target)
    resolver = Resolver(data, has_prefix)
    overrides = mapping(target.get("variables"))
    declared = mapping(whole.get("variables"))
    made = Target(name, data, _mode(data, target), "", {}, resolver, overrides, declared)
    written = resolver.resolved(_prefix(data, target))
    prefix = normalised_prefix(literal(written, made.plain_values(), name))
    resources = documents(data, resolver)
    return Target(name, data, made.mode, prefix, resources, resolver, overrides, declared)


def _laid(whole: Document, target: Document) -> Document:
    own = {name: target[name] for name in _FOLDED if target.get(name) is not None}
    laid: Document = folded(whole, own)
    return laid


def _mode(data: Document, target: Document) -> str:
    return str(target.get("mode") or mapping(data.get("bundle")).get("mode") or "")


def _prefix(data: Document, target: Document) -> str:
    written = mapping(data.get("presets")).get(NAME_PREFIX)
    if written:
        return str(written)
    return OF_DEVELOPMENT if _mode(data, target) == DEVELOPMENT else ""


def host_of(text: str) -> str:
    """The address of a workspace, as the SDK reads it: without a path, with a scheme."""
    if "${" in text:
        return text
    parts = urlsplit(text if "//" in text else f"https://{text}")
    return f"{parts.scheme}://{parts.netloc}"


def unknown_names(made: Mapping[str, Any]) -> Iterator[str]:
    """The variables that hold something in place of the user's name."""
    return (name for name in NOT_KNOWN if made.get(name) == NOT_KNOWN[name])
