"""A Terraform state as entries, and the blocks with which Terraform lets go of them. Pure.

Sources: the state's format, version 4 (hashicorp/terraform internal/states/statefile), and
``removed`` blocks as of Terraform 1.7, whose addresses have no instance keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from provisioner.errors import FileError
from provisioner.portrait import StateEntry
from provisioner.yaml_text import harmless

VERSION: Final = 4
HEAD: Final = """\
# With these blocks Terraform (1.7 or newer) forgets what provisioner manages from now on, and
# destroys none of it. Put this file beside the configuration, take the resource blocks of the
# same names out of it, and run `terraform plan`: it must destroy nothing.
"""


def entries_in(text: str, file: str) -> tuple[StateEntry, ...]:
    """The managed resources in the state ``text``. Raises FileError where it is none."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_state(file, "it is not JSON") from error
    if not isinstance(state, Mapping) or state.get("version") != VERSION:
        raise _no_state(file, f"its `version` is not {VERSION}")
    found = state.get("resources")
    return tuple(entry for one in (found or ()) for entry in _entries(one))


def _no_state(file: str, why: str) -> FileError:
    hint = "`terraform state pull > terraform.tfstate` writes one"
    return FileError.of("E838", f"`{file}` is no Terraform state: {why}", hint)


def _entries(resource: Mapping[str, Any]) -> Iterator[StateEntry]:
    if resource.get("mode") != "managed":
        return
    kind, name = str(resource.get("type")), str(resource.get("name"))
    module = str(resource.get("module", ""))
    full = ".".join(part for part in (module, kind, name) if part)
    for instance in resource.get("instances") or ():
        key = instance.get("index_key")
        index = "" if key is None else f"[{json.dumps(key)}]"
        attributes = instance.get("attributes")
        if isinstance(attributes, Mapping) and "deposed" not in instance:
            yield StateEntry(kind, _without_keys(full), f"{full}{index}", attributes)


def _without_keys(address: str) -> str:
    """``module.a["x.y"].t.n`` as ``module.a.t.n``."""
    made, depth, quoted = "", 0, False
    for sign in address:
        quoted ^= sign == '"'
        depth += 0 if quoted else {"[": 1, "]": -1}.get(sign, 0)
        made += "" if depth or quoted or sign in '"]' else sign
    return made


def removed(entries: Iterable[StateEntry]) -> str:
    """The ``removed`` blocks for ``entries``, as a file of Terraform."""
    instances: dict[str, list[str]] = {}
    for entry in entries:
        instances.setdefault(entry.address, []).append(entry.instance)
    blocks = (_block(address, held) for address, held in sorted(instances.items()))
    return "\n".join((HEAD, *blocks))


def _block(address: str, instances: list[str]) -> str:
    listed = [] if instances == [address] else [f"# {harmless(one)}" for one in instances]
    above = ["# The block is for all instances:", *listed] if listed else []
    lines = (
        *above,
        "removed {",
        f"  from = {address}",
        "",
        "  lifecycle {",
        "    destroy = false",
        "  }",
        "}",
    )
    return "\n".join(lines) + "\n"
