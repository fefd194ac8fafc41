"""The lamp shop, and the driver that reads and writes it. Who owns a lamp stands in its comment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.live import Listed, Live, Ownership, Phase, Readiness
from provisioner.model.plan import Operation
from provisioner.model.resource import Resource

LINE = "managed by provisioner: "
PROTECTED = " (protected)"


def with_owner_line(comment: str, ownership: Ownership) -> str:
    """``comment`` with a last line that says who owns the lamp."""
    if not ownership.owner:
        return comment
    line = f"{LINE}{ownership.owner}{PROTECTED if ownership.protected else ''}"
    return f"{comment}\n{line}" if comment else line


def split_comment(text: str) -> tuple[str, Ownership]:
    """The comment of the user, and what the last line says."""
    comment, _, line = text.rpartition("\n")
    if not line.startswith(LINE):
        return text, Ownership()
    owner = line.removeprefix(LINE)
    return comment, Ownership(owner.removesuffix(PROTECTED), owner.endswith(PROTECTED))


@dataclass
class LampShop:
    """All lamps by name, and the calls that changed them."""

    lamps: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fences: dict[str, str] = field(default_factory=dict)

    def reset(self) -> None:
        self.lamps.clear()
        self.calls.clear()
        self.fences.clear()


SHOP = LampShop()


class LampDriver:
    def inventory(self, near: Sequence[Resource] = ()) -> Sequence[Listed]:
        return [
            Listed(name, lamp["id"], split_comment(lamp["comment"])[1])
            for name, lamp in SHOP.lamps.items()
        ]

    def read(self, resource: Resource) -> Live | None:
        lamp = SHOP.lamps.get(resource.name)
        if lamp is None:
            return None
        comment, ownership = split_comment(lamp["comment"])
        document = {key: value for key, value in lamp.items() if key != "id"}
        document |= {"name": resource.name, "comment": comment}
        seen = json.dumps([lamp, resource.name], sort_keys=True)
        fingerprint = f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}"
        document = {key: value for key, value in document.items() if value not in (None, "")}
        fence = SHOP.fences.get(resource.name, "")
        return Live(resource.name, lamp["id"], document, fingerprint, ownership, fence=fence)

    def examine(self, resource: Resource, live: Live) -> Live:
        return live

    def perform(self, operation: Operation, identity: str) -> str:
        SHOP.calls.append(operation.call)
        body = dict(operation.payload or {})
        if operation.method == "POST":
            name = body.pop("name")
            SHOP.lamps[name] = {"color": "white", **body, "id": f"lamp-{len(SHOP.calls)}"}
            return str(SHOP.lamps[name]["id"])
        name = operation.path.rpartition("/")[2]
        if operation.method == "DELETE":
            del SHOP.lamps[name]
            return ""
        color = SHOP.lamps[name]["color"]
        SHOP.lamps[name] = {"color": color, **body, "id": identity}
        return identity

    def fence(self, name: str, value: str) -> bool:
        # A lamp has no tags; what a deletion has to prove stands beside it.
        SHOP.fences[name] = value
        return True

    def poll(self) -> Mapping[str, Readiness]:
        return {name: Readiness(Phase.READY) for name in SHOP.lamps}

    def confirm(self, name: str) -> Readiness:
        return Readiness(Phase.READY if name in SHOP.lamps else Phase.ABSENT)
