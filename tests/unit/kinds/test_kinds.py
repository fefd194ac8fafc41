"""The registry of kinds: what it holds, and what importing it must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

from provisioner.kinds import KINDS

HEAVY = ("pydantic", "urllib3", "jsonschema", "databricks", "deepdiff", "rich", "starlette", "yaml")


def loaded_after(code):
    script = f"import sys\n{code}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in result.stdout.split()}


USES = [
    pytest.param("import provisioner.kinds", id="importing the kinds"),
    pytest.param(
        "from provisioner.kinds import KINDS\n"
        "for kind in KINDS.values():\n"
        "    document = {'name': 'x', 'config': {'served_entities': []}, 'secrets': {}}\n"
        "    kind.schema.rules()\n"
        "    kind.schema.migrate_legacy and kind.schema.migrate_legacy(document)\n"
        "    list(kind.schema.relations(document, {}))\n"
        "    list(kind.dependencies.depends_on(document))\n"
        "    kind.planning.applied_digests and kind.planning.applied_digests(document)\n",
        id="checking documents",
    ),
    pytest.param(
        "from pathlib import Path\n"
        "from provisioner.kinds import KINDS\n"
        "from provisioner.model.secret import SecretReader\n"
        "[kind.runtime.connect(None, SecretReader(Path('.'))) for kind in KINDS.values()]\n",
        id="making drivers",
    ),
]


@pytest.mark.parametrize("code", USES)
def test_no_heavy_library_is_loaded_by(code):
    assert loaded_after(code) & set(HEAVY) == set()


def test_the_command_line_starts_without_what_only_messages_need():
    assert loaded_after("import provisioner.cli") & {*HEAVY, "shutil", "difflib"} == set()


def test_a_model_loads_pydantic_so_that_this_test_can_fail():
    assert "pydantic" in loaded_after(
        "from provisioner.kinds import KINDS\nKINDS['secret_scopes'].schema.model()"
    )


def test_kinds_are_registered_by_their_own_names():
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert list(KINDS) == [
        "model_serving_endpoints",
        "secret_scopes",
        "schemas",
        "secrets",
        "registered_models",
        "model_provider_services",
        "model_services",
        "mcp_services",
    ]
