"""The pay-per-token endpoints that Databricks provides in every workspace."""

from __future__ import annotations

from provisioner.emulator.http.store import Store
from provisioner.emulator.serving import endpoints

# Those that the public tutorials query: name, display name, model, task.
SYSTEM_ENDPOINTS = (
    (
        "databricks-meta-llama-3-1-405b-instruct",
        "Meta Llama 3.1 405B Instruct",
        "system.ai.meta_llama_v3_1_405b_instruct",
        "llm/v1/chat",
    ),
    (
        "databricks-meta-llama-3-1-70b-instruct",
        "Meta Llama 3.1 70B Instruct",
        "system.ai.meta_llama_v3_1_70b_instruct",
        "llm/v1/chat",
    ),
    ("databricks-dbrx-instruct", "DBRX Instruct", "system.ai.dbrx_instruct", "llm/v1/chat"),
    (
        "databricks-gte-large-en",
        "GTE Large (En)",
        "system.ai.gte_large_en_v1_5",
        "llm/v1/embeddings",
    ),
)
SINCE_MS = 1_700_000_000_000


def add_missing(store: Store) -> None:
    """Adds the endpoints that Databricks provides, where they are missing.

    Captured pay-per-token entities have a name, a type and a model, no creator. [serving-api 2.2]
    """
    for name, display_name, model, task in SYSTEM_ENDPOINTS:
        if endpoints.find(store, name):
            continue
        record = endpoints.new_record(name, creator="", now_ms=SINCE_MS)
        foundation_model = {
            "name": model,
            "display_name": display_name,
            "description": f"{display_name}, paid per token.",
            "docs": "https://docs.databricks.com/machine-learning/foundation-models/",
            "task": task,
        }
        entity = {"name": name, "foundation_model": foundation_model}
        route = {"entity": name, "percent": 100}
        record["config"] = {"version": 1, "entities": [entity], "routes": [route]}
        record["system"] = True
        record["last_version"] = 1
        endpoints.save(store, record)
