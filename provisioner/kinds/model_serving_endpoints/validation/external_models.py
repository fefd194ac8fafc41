"""What must hold between the fields of an external model: provider, login, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Location, Severity
from provisioner.errors.did_you_mean import closest, did_you_mean
from provisioner.kinds.model_serving_endpoints.document import (
    Part,
    external_models,
    mapping,
    scope_and_key,
    secret_holders,
    secret_references_in,
)
from provisioner.kinds.model_serving_endpoints.vocabulary import (
    BLOCK_OF,
    PROVIDER_OF,
    REFERENCES,
    REQUIRED_SECRET,
    TASKS,
    plaintext_of,
)
from provisioner.model.kind import Declared
from provisioner.model.paths import Document

AZURE_FIELDS: Final = ("openai_api_base", "openai_api_version", "openai_deployment_name")
ENTRA_FIELDS: Final = ("microsoft_entra_client_id", "microsoft_entra_tenant_id")
ENTRA_SECRET: Final = "microsoft_entra_client_secret"
# serving-endpoints/create: what each `openai_api_type` cannot do without.
NEEDED_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": (),
    "azure": AZURE_FIELDS,
    "azuread": (*AZURE_FIELDS, *ENTRA_FIELDS),
}
KEY_PAIR: Final = ("aws_access_key_id", "aws_secret_access_key")


def models(document: Document) -> Iterator[Finding]:
    """Each external model by itself."""
    for model in external_models(document):
        yield from _name(model)
        yield from _block(model)
        yield from _known_task(model)
        for holder in secret_holders(model):
            yield from _twins(holder)
            name = holder.at[-1]
            if check := CHECKS.get(str(name)):
                yield from check(holder)
            if secret := REQUIRED_SECRET.get(str(name)):
                yield from _needs_secret(holder, secret)


# rule(documented): All external models of an endpoint have the same task. [serving-api 3.5, 3.8]
def same_task(document: Document) -> Iterator[Finding]:
    """service/serving.py ServedEntityInput: one task for all models of an endpoint."""
    tasks = [m for m in external_models(document) if isinstance(m.value.get("task"), str)]
    for model in tasks[1:]:
        task, first = model.value["task"], tasks[0].value["task"]
        if task != first:
            yield Finding(
                model.inner("task"),
                "E313",
                f"the task is `{task}` here and `{first}` in the first served entity",
                "all models of an endpoint have the same task; use an endpoint per task",
            )


# Two users report the 400, each with a name that holds a slash [serving-api 3.5].
MODEL_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)


# rule(client): The name of an external model holds letters, digits, `-`, `_`, `.` and `:`.
#     [serving-api 3.5]
def _name(model: Part) -> Iterator[Finding]:
    name = model.value.get("name")
    if isinstance(name, str) and name and not MODEL_NAME.fullmatch(name):
        yield Finding(
            model.inner("name"),
            "E349",
            f"the service refuses the model name `{name}`: use letters, digits, `-`, `_`, "
            "`.` and `:`",
            "use a model provider service of Unity Catalog, which accepts any name, or rename the "
            "model in your own proxy",
        )


# rule(documented): An external model has the block of its provider and no other. [serving-api 2.6]
def _block(model: Part) -> Iterator[Finding]:
    provider = str(model.value.get("provider"))
    if provider not in BLOCK_OF:
        return
    others = [name for name in PROVIDER_OF if name in model.value and name != BLOCK_OF[provider]]
    for name in others:
        yield Finding(
            model.inner(name),
            "E303",
            f"`{name}` belongs to the provider `{PROVIDER_OF[name]}`, but the provider here is "
            f"`{provider}`",
            f"write `provider: {PROVIDER_OF[name]}`, or the settings as `{BLOCK_OF[provider]}`",
            key=True,
        )
    if BLOCK_OF[provider] not in model.value and not others:
        yield Finding(
            model.inner("provider"),
            "E302",
            f"the provider `{provider}` requires its settings in `{BLOCK_OF[provider]}`",
        )


# rule(documented): The task of an external model is one of three. [serving-api 2.6]
def _known_task(model: Part) -> Iterator[Finding]:
    task = model.value.get("task")
    if isinstance(task, str) and task not in TASKS:
        short = [known for known in TASKS if known.endswith(f"/{task.rpartition('/')[2]}")]
        # `chat` means `llm/v1/chat`: the last part of a task is written in many examples.
        word = short[0] if short else task
        hint = did_you_mean(word, TASKS, f"use one of {', '.join(TASKS)}")
        yield Finding(model.inner("task"), "E314", f"unknown task `{task}`", hint)


# rule(documented): A secret is given as a reference or as plaintext, not as both. [serving-api 2.6,
#     8.25]
def _twins(holder: Part) -> Iterator[Finding]:
    for name in REFERENCES:
        if name in holder.value and (twin := plaintext_of(name)) in holder.value:
            yield Finding(
                holder.inner(twin),
                "E305",
                f"`{name}` and `{twin}` are both set",
                "keep either the reference or the value",
                key=True,
            )


def _given(holder: Part, secret: str) -> bool:
    return secret in holder.value or plaintext_of(secret) in holder.value


# rule(documented): The block of a provider has the secret that its table requires. [serving-api
#     2.6]
def _needs_secret(holder: Part, secret: str, why: str = "") -> Iterator[Finding]:
    if not _given(holder, secret):
        yield Finding(
            holder.at,
            "E304",
            f"`{secret}` is missing{why}",
            f'write `{secret}: "{{{{secrets/SCOPE/KEY}}}}"`, or '
            f"`{plaintext_of(secret)}: ${{env.NAME}}`",
            key=True,
        )


def _openai(block: Part) -> Iterator[Finding]:
    api_type = block.value.get("openai_api_type", "openai")
    if not isinstance(api_type, str) or api_type not in NEEDED_BY_TYPE:
        return
    why = f", but `openai_api_type: {api_type}` requires it"
    # rule(documented): `openai_api_type` decides which fields OpenAI needs. [serving-api 2.6]
    for name in NEEDED_BY_TYPE[api_type]:
        if name not in block.value:
            yield Finding(block.at, "E309", f"`{name}` is missing{why}", key=True)
    if api_type != "azuread":
        yield from _needs_secret(block, "openai_api_key")
        yield from _unused(block, (*ENTRA_FIELDS, ENTRA_SECRET), "azuread")
        if api_type == "openai":
            yield from _unused(block, AZURE_FIELDS[1:], "azure")
        return
    yield from _needs_secret(block, ENTRA_SECRET, why)
    # rule(assumed): The API key is not used with `azuread`. [serving-api 8.26]
    if _given(block, "openai_api_key"):
        yield Finding(
            block.inner(_spelling(block, "openai_api_key")),
            "W714",
            "with `openai_api_type: azuread` the API key is not used",
            "remove it, or write `openai_api_type: azure` to log in with the key",
            Severity.WARNING,
            key=True,
        )


# rule(assumed): Fields of Azure OpenAI are not used with another `openai_api_type`. [serving-api
#     2.6]
def _unused(block: Part, names: tuple[str, ...], api_type: str) -> Iterator[Finding]:
    for name in names:
        if _given(block, name):
            spelling = _spelling(block, name)
            yield Finding(
                block.inner(spelling),
                "W718",
                f"`{spelling}` is used only with Azure OpenAI",
                f"write `openai_api_type: {api_type}`, or remove it",
                Severity.WARNING,
                key=True,
            )


def _spelling(block: Part, name: str) -> str:
    return name if name in block.value else plaintext_of(name)


# rule(documented): Bedrock takes one way to log in: a pair of keys, an instance profile or a
#     service credential. [serving-api 2.6]
def _bedrock(block: Part) -> Iterator[Finding]:
    pair = [name for name in KEY_PAIR if _given(block, name)]
    ways = ["an access key"] if pair else []
    ways += [n for n in ("instance_profile_arn", "uc_service_credential_name") if n in block.value]
    choice = (
        "set one of: `aws_access_key_id` and `aws_secret_access_key`, `instance_profile_arn`, "
        "`uc_service_credential_name`"
    )
    if not ways:
        yield Finding(block.at, "E311", "the login for AWS is missing", choice, key=True)
    if len(ways) > 1:
        message = f"more than one way to log in to AWS: {' and '.join(ways)}"
        yield Finding(block.at, "E311", message, f"keep {choice}", key=True)
    for name in KEY_PAIR:
        if pair and name not in pair:
            yield Finding(
                block.at,
                "E312",
                f"`{pair[0]}` is set, but `{name}` is missing",
                "set both parts of the access key",
                key=True,
            )


# rule(documented): A custom provider takes exactly one way to log in. [serving-api 2.6]
def _custom(block: Part) -> Iterator[Finding]:
    ways = [name for name in ("api_key_auth", "bearer_token_auth") if name in block.value]
    if not ways:
        yield Finding(
            block.at,
            "E329",
            "the login for the provider is missing",
            "set one of `api_key_auth` and `bearer_token_auth`",
            key=True,
        )
    if len(ways) > 1:
        message = "`api_key_auth` and `bearer_token_auth` are both set"
        yield Finding(block.inner(ways[1]), "E329", message, "keep one of the two", key=True)


CHECKS: Final[Mapping[str, Any]] = {
    "openai_config": _openai,
    "amazon_bedrock_config": _bedrock,
    "custom_provider_config": _custom,
}


# What must hold for references into secret scopes: their form, and that the key is declared.

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
                f"`{place[-1]}` is not a reference to a secret; the service probably sends it "
                "unchanged",
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
        return f'write "{{{{secrets/{names[1]}/{names[2]}}}}}": two braces, without spaces'
    if "environment_vars" in place:
        return 'write "{{secrets/SCOPE/KEY}}" as the whole value, or remove the double braces'
    return (
        f'write "{{{{secrets/SCOPE/KEY}}}}" as the whole value, or set the value itself with '
        f"`{plaintext_of(str(place[-1]))}: ${{env.NAME}}`"
    )


def _undeclared(reference: tuple[str, str], keys: list[str]) -> tuple[str, str]:
    scope, key = reference
    message = f"the secret scope `{scope}` is declared in this project, but has no key `{key}`"
    add = f"add `{key}: {{from_env: NAME}}` to the `secrets` of that scope"
    return message, did_you_mean(key, keys, add)
