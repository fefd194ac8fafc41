"""Model provider services and catalog secrets for external models. Pure but for what it collects.

Models that share provider, address, organization and credentials share one provider service.
Workspace secrets cannot be referred to from there, and their values are never read: each becomes
a catalog secret whose value comes from a variable. [databricks-sdk, ProviderSecret]
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.model_serving_endpoints.document import mapping, scope_and_key
from provisioner.kinds.model_serving_endpoints.invocation.requests import CHAT, EMBEDDINGS
from provisioner.kinds.model_serving_endpoints.vocabulary import BLOCK_OF, plaintext_of
from provisioner.model.importing import (
    Loss,
    LossReason,
    MigrationTarget,
    NeededVariable,
    SuccessorResource,
    VariablePlace,
    variable_name,
)
from provisioner.model.paths import Document
from provisioner.model.secret import reference_in

PROVIDERS, SECRETS = "model_provider_services", "secrets"
TYPE: Final = "EXTERNAL_MODEL_PROVIDER_TYPE_"
OPENAI_URL: Final = "https://api.openai.com/v1"
# The API of Cohere that has the shapes of OpenAI's. [docs.cohere.com, Compatibility API]
COHERE_URL: Final = "https://api.cohere.ai/compatibility/v1"
CHAT_API, EMBEDDINGS_API = "openai/v1/chat/completions", "openai/v1/embeddings"
MESSAGES_API: Final = "anthropic/v1/messages"


class LostError(Exception):
    """A model cannot move; ``Findings.losses`` says why."""


@dataclass(slots=True)
class Findings:
    """What is found about one endpoint. ``accepted`` are the losses that the user agrees to."""

    accepted: frozenset[LossReason]
    losses: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def lose(self, loss: Loss) -> None:
        """Notes ``loss``. Raises LostError where no option accepts it."""
        self.losses.append(loss)
        if loss.stops(self.accepted):
            raise LostError(loss.message)


def identifier(text: str) -> str:
    """``text`` as a name in the catalog: lower case, digits and ``_``."""
    return re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:255] or "service"


class Accounts:
    """Collects the provider services and secrets of one run.

    ``taken`` are the names in the schema that services of this run have.
    """

    def __init__(self, target: MigrationTarget, taken: set[str]) -> None:
        self._target = target
        self._taken = taken
        self._services: dict[str, tuple[str, Document]] = {}
        self._secrets: dict[tuple[str, ...], str] = {}
        self.secrets: dict[str, SuccessorResource] = {}
        self.variables: dict[str, NeededVariable] = {}

    def services(self) -> list[SuccessorResource]:
        """The provider services, in the order in which they were needed."""
        return [self._declared(name, document) for name, document in self._services.values()]

    def destination(self, entity: Mapping[str, Any], findings: Findings) -> Document:
        """The routing target of an entity with an external model; empty for one that is left out.

        Raises LostError where the provider or its login has no place in Unity Gateway.
        """
        model = mapping(entity.get("external_model"))
        provider, task = str(model.get("provider")), str(model.get("task"))
        block = mapping(model.get(BLOCK_OF.get(provider, "")))
        maker = MAKERS.get(provider)
        if maker is None:
            message = f"`{provider}` has no provider type in Unity Gateway"
            findings.lose(Loss(LossReason.PROVIDER, message, "its models are skipped"))
            return {}
        name, account, target = maker(self, block, str(model.get("name")), findings)
        types = api_types(name, block, str(model.get("name")), task)
        config = {"provider_type": f"{TYPE}{name.upper()}", name: account}
        service = self._service(config, {"model": target, **types}, findings)
        return {
            "model_provider_service": f"model-provider-services/{service}",
            "target": {"model": target, **types},
        }

    def secret(self, holder: Mapping[str, Any], field: str, words: str = "") -> Document:
        """A reference to the catalog secret that takes the place of a key."""
        scope = scope_and_key(holder.get(field))
        given = reference_in(holder.get(plaintext_of(field))) or {}
        variable = given.get("from_env") or variable_name(scope[1] if scope else words or field)
        identity = scope or (field, variable)
        reference = f"`{{{{secrets/{scope[0]}/{scope[1]}}}}}`" if scope else ""
        origin = reference or "a plaintext key"
        full_name = self._secrets.get(identity) or self._new_secret(identity, variable, origin)
        return {"secret_reference": {"name": f"secrets/{full_name}"}}

    def _new_secret(self, identity: tuple[str, ...], variable: str, origin: str) -> str:
        names = {secret.rpartition(".")[2] for secret in self._secrets.values()}
        # Two scopes may hold keys of one name, and they are two secrets.
        same = identifier(identity[1]) in names
        words = "_".join(identity) if same else identity[1]
        variable = variable_name(words) if same else variable
        full_name = f"{self._target.place}.{identifier(words)}"
        self._secrets[identity] = full_name
        purpose = f"the value of the catalog secret `{full_name}`, currently from {origin}"
        self.variables[variable] = NeededVariable(variable, VariablePlace.PROCESS, purpose)
        if full_name not in self._target.declared.get(SECRETS, {}):
            catalog_name, _, schema_name = self._target.place.partition(".")
            document = {
                "catalog_name": catalog_name,
                "schema_name": schema_name,
                "name": identifier(words),
                "from_env": variable,
            }
            comments: dict[Location, Sequence[str]] = {
                ("from_env",): (f"The key that endpoints read from {origin}.",)
            }
            self.secrets[full_name] = SuccessorResource(
                SECRETS, identifier(words), full_name, document, comments
            )
        return full_name

    def project_variable(self, name: str, purpose: str) -> str:
        """A reference to a variable of the project, which the user has to add."""
        self.variables[name] = NeededVariable(name, VariablePlace.PROJECT, purpose)
        return f"${{var.{name}}}"

    def _service(self, config: Document, target: Document, findings: Findings) -> str:
        """The full name of the provider service for the account ``config``, with ``target``."""
        existing = self._existing(config, target, findings)
        if existing:
            return existing
        identity = json.dumps(config, sort_keys=True)
        if identity not in self._services:
            name = self._free(next(field for field in config if field != "provider_type"))
            self._services[identity] = (name, {**config, "targets": []})
        name, document = self._services[identity]
        for listed in document["targets"]:
            if listed["model"] == target["model"]:
                types = {*listed.get("native_api_types", ()), *target.get("native_api_types", ())}
                listed.update({"native_api_types": sorted(types)} if types else {})
                return name
        document["targets"].append({**target})
        return name

    def _existing(self, config: Document, target: Document, findings: Findings) -> str:
        """The provider service that manifests declare for the same account; ``""`` for none."""
        for name, document in self._target.declared.get(PROVIDERS, {}).items():
            declared = mapping(document.get("config"))
            if any(declared.get(field) != value for field, value in config.items()):
                continue
            models = [each.get("model") for each in declared.get("targets") or ()]
            if target["model"] not in models and not declared.get("allow_all_targets"):
                message = f"`{name}` does not list the model `{target['model']}`"
                hint = "add the model to `targets`, and run the migration again"
                findings.lose(Loss(LossReason.TARGET, message, hint, is_final=True))
            return name
        return ""

    def _free(self, provider: str) -> str:
        declared = self._target.declared.get(PROVIDERS, {})
        used = {name for name, _ in self._services.values()} | declared.keys() | self._taken
        candidate, number = f"{self._target.place}.{provider}", 2
        while candidate in used:
            candidate, number = f"{self._target.place}.{provider}_{number}", number + 1
        return candidate

    def _declared(self, name: str, config: Document) -> SuccessorResource:
        key = name.rpartition(".")[2]
        document = {
            "parent": f"schemas/{self._target.place}",
            "model_provider_service_id": key,
            "config": config,
        }
        return SuccessorResource(PROVIDERS, key, name, document)


def api_types(provider: str, block: Mapping[str, Any], model: str, task: str) -> Document:
    """The field with the APIs that a model speaks; nothing where no source tells their names."""
    is_claude = (
        provider == "anthropic"
        or "claude" in model
        or (block.get("bedrock_provider") == "anthropic")
    )
    if task == CHAT and provider in ("anthropic", "amazon_bedrock"):
        return {"native_api_types": [MESSAGES_API]} if is_claude else {}
    if provider in ("openai", "azure_openai", "custom"):
        known = {CHAT: CHAT_API, EMBEDDINGS: EMBEDDINGS_API}
        return {"native_api_types": [known[task]]} if task in known else {}
    return {}


Made = tuple[str, Document, str]
"""The provider's word, its block, and its own name of the model."""


def _openai(accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings) -> Made:
    if block.get("openai_api_type") in ("azure", "azuread"):
        return _azure(accounts, block, model, findings)
    direct: Document = {"api_key": accounts.secret(block, "openai_api_key")}
    if block.get("openai_api_base") not in (None, OPENAI_URL):
        direct["base_url"] = block["openai_api_base"]
    if block.get("openai_organization"):
        direct["organization"] = block["openai_organization"]
    return "openai", {"direct": direct}, model


def _azure(accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings) -> Made:
    direct: Document = {"base_url": str(block.get("openai_api_base") or "")}
    if block.get("openai_api_type") == "azuread":
        direct["entra_service_principal"] = {
            "tenant_id": str(block.get("microsoft_entra_tenant_id") or ""),
            "client_id": str(block.get("microsoft_entra_client_id") or ""),
            "client_secret": accounts.secret(block, "microsoft_entra_client_secret"),
        }
    else:
        direct["api_key"] = accounts.secret(block, "openai_api_key")
    # There is no field for a deployment or a version. [databricks-sdk, AzureOpenAiDirect; assumed]
    target = str(block.get("openai_deployment_name") or model)
    findings.notes.append(
        f"the target of `{model}` is its Azure deployment `{target}`, and the API version "
        f"`{block.get('openai_api_version', '')}` is not sent: check it with --check (assumed)"
    )
    return "azure_openai", {"direct": direct}, target


def _anthropic(
    accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings
) -> Made:
    return "anthropic", {"direct": {"api_key": accounts.secret(block, "anthropic_api_key")}}, model


def _bedrock(accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings) -> Made:
    direct: Document = {"region": str(block.get("aws_region") or "")}
    if block.get("uc_service_credential_name"):
        direct["service_credential"] = {"name": block["uc_service_credential_name"]}
    elif block.get("instance_profile_arn"):
        message = "an instance profile does not work for Bedrock in Unity Gateway"
        hint = "create a service credential in Unity Catalog for the same role"
        findings.lose(Loss(LossReason.LOGIN, message, hint))
        purpose = "the service credential that replaces the instance profile"
        name = accounts.project_variable("bedrock_service_credential", purpose)
        direct["service_credential"] = {"name": name}
    else:
        scope = scope_and_key(block.get("aws_access_key_id"))
        name = identifier(scope[1] if scope else "aws_access_key_id")
        purpose = "the AWS access key id, which is not a secret here and can be read back"
        direct["aws_access_key"] = {
            "access_key_id": accounts.project_variable(name, purpose),
            "secret_access_key": accounts.secret(block, "aws_secret_access_key"),
        }
    return "amazon_bedrock", {"direct": direct}, model


def _vertex(accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings) -> Made:
    message = "a service account key does not work for Vertex AI in Unity Gateway"
    hint = "create a Gemini API key; the manifest reads it from an environment variable"
    findings.lose(Loss(LossReason.LOGIN, message, hint))
    named = {name: str(block.get(name) or "") for name in ("project_id", "region")}
    key = accounts.secret({}, "gemini_api_key")
    return "gemini_enterprise", {"direct": {**named, "api_key": key}}, model


def _cohere(accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings) -> Made:
    message = "Unity Gateway has no provider type for Cohere"
    hint = f"its OpenAI-compatible API, {COHERE_URL}, replaces it as a custom provider"
    findings.lose(Loss(LossReason.PROVIDER, message, hint))
    key = accounts.secret(block, "cohere_api_key")
    return "custom", {"direct": {"base_url": COHERE_URL, "api_key": key}}, model


def _custom(accounts: Accounts, block: Mapping[str, Any], model: str, findings: Findings) -> Made:
    direct: Document = {"base_url": str(block.get("custom_provider_url") or "")}
    header = mapping(block.get("api_key_auth"))
    if header:
        direct["header_auth"] = {
            "api_key_name": str(header.get("key") or ""),
            "api_key_value": accounts.secret(header, "value", "custom_api_key"),
        }
    else:
        bearer = mapping(block.get("bearer_token_auth"))
        direct["api_key"] = accounts.secret(bearer, "token", "custom_api_key")
    # Whether the address is that of the API or of one request has evidence for both.
    findings.notes.append(
        f"`{direct['base_url']}` is copied unchanged: check it with --check (assumed)"
    )
    return "custom", {"direct": direct}, model


MAKERS: Final[Mapping[str, Callable[[Accounts, Mapping[str, Any], str, Findings], Made]]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "amazon-bedrock": _bedrock,
    "google-cloud-vertex-ai": _vertex,
    "cohere": _cohere,
    "custom": _custom,
}
