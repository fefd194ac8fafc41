"""The clients that snippets are for, by name, and how to say that one cannot ask."""

from __future__ import annotations

from typing import Final

from provisioner.errors import UsageError

HOST: Final = "DATABRICKS_HOST"
TOKEN: Final = "DATABRICKS_TOKEN"

NAMES: Final = {
    "openai": "the OpenAI client for Python",
    "curl": "curl in a shell",
    "mlflow": "the deployments client of MLflow",
    "sdk": "the Databricks SDK for Python",
    "langchain": "LangChain for Python",
    "sql": "ai_query in Databricks SQL",
}


def no_snippet(client: str, why: str, other: str = "") -> UsageError:
    """Why there is none for ``client``, and which one to use instead."""
    hint = f"`--client {other}` can ask it" if other else ""
    return UsageError.of("E751", f"{NAMES[client]} cannot ask this endpoint: {why}", hint)
