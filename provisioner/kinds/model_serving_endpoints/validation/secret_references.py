"""What must hold for references into secret scopes: their form, and that the key is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provisioner.errors import Finding, Location, Severity
from provisioner.errors.wording import closest, did_you_mean
from provisioner.kinds.model_serving_endpoints.document import (
    mapping,
    scope_and_key,
    secret_references_in,
)
from provisioner.kinds.model_serving_endpoints.vocabulary import plaintext_of
from provisioner.model.kind import Declared
from provisioner.model.paths import Document

SECRET_SCOPES = "secret_scopes"
KEY_VAULT = "AZURE_KEYVAULT"
LIKENESS = 0.85
"""From here on the name of an undeclared scope is taken for a misspelt declared one."""


def secret_references(document: Document, declared: Declared) -> Iterator[Finding]:
    """References are well formed and, where their scope is declared, the key is too."""
    scopes = {name.casefold(): scope for name, scope in declared.get(SECRET_SCOPES, {}).items()}
    for place, reference in secret_references_in(document):
        if not isinstance(reference, str):
            continue
        names = scope_and_key(reference)
        if names is None and "environment_vars" in place:
            # rule(assumed): A reference fills the whole value of an environment variable.
            #     [serving-api 4.4]
            yield Finding(
                place,
                "W732",
                f"`{place[-1]}` is not a reference to a secret, and as far as is known the "
                "service replaces nothing in it",
                _right_form(reference, place),
                Severity.WARNING,
            )
        elif names is None:
            # rule(documented): A secret field holds a reference to a secret. [serving-api 2.6, 4.4]
            yield Finding(
                place,
                "E306",
                f"`{place[-1]}` is not a reference to a secret",
                _right_form(reference, place),
            )
        elif names[0].casefold() in scopes:
            # The keys of a vault are written there, so none can be declared.
            if scopes[names[0].casefold()].get("backend_type") == KEY_VAULT:
                continue
            keys = mapping(scopes[names[0].casefold()].get("secrets"))
            # rule(tool): A scope that is declared here declares the keys that are used.
            if names[1] not in keys:
                yield Finding(place, "E307", *_undeclared(names, list(keys)))
        else:
            yield from _misspelt(names[0], place, list(declared.get(SECRET_SCOPES, {})))


# rule(tool): A scope whose name is much like that of a declared one is probably that one.
def _misspelt(scope: str, place: Location, declared: list[str]) -> Iterator[Finding]:
    """A scope may be declared elsewhere, so one that looks like a declared one is a warning."""
    if closest(scope, declared, LIKENESS):
        message = f"no manifest declares the secret scope `{scope}`"
        hint = did_you_mean(scope, declared, cutoff=LIKENESS)
        yield Finding(place, "W728", message, hint, Severity.WARNING)


def _right_form(reference: str, place: Location) -> str:
    # The text may be a key that was pasted here: only the names in it are ever repeated.
    names = re.fullmatch(r"\s*\{+\s*secrets/([\w.@-]+)/([\w.@-]+)\s*\}+\s*", reference)
    if names:
        return f'write "{{{{secrets/{names[1]}/{names[2]}}}}}": two braces, no blanks'
    if "environment_vars" in place:
        return 'write "{{secrets/SCOPE/KEY}}" as the whole value, or text without two braces'
    return (
        f'write "{{{{secrets/SCOPE/KEY}}}}" as the whole value, or give the value itself as '
        f"`{plaintext_of(str(place[-1]))}: ${{env.NAME}}`"
    )


def _undeclared(reference: tuple[str, str], keys: list[str]) -> tuple[str, str]:
    scope, key = reference
    message = f"the secret scope `{scope}` is declared here, and has no key `{key}`"
    add = f"add `{key}: {{from_env: NAME}}` to the `secrets` of that scope"
    return message, did_you_mean(key, keys, add)
