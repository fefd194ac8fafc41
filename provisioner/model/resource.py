"""What a kind of resource provides: ``Kind`` decides, ``Driver`` acts.

A kind is one folder below ``kinds/`` and one line in its registry. Everything outside
that folder meets a kind through the types of this module and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.errors import Position
from provisioner.model.connection import Connection as Connection
from provisioner.model.connection import Reply as Reply
from provisioner.model.live import History as History
from provisioner.model.live import Listed as Listed
from provisioner.model.live import Live as Live
from provisioner.model.live import Ownership as Ownership
from provisioner.model.live import Phase as Phase
from provisioner.model.live import Readiness as Readiness
from provisioner.model.paths import Document, Path
from provisioner.model.plan import Address
from provisioner.model.query import Answer as Answer


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as its author describes it, for one environment.

    ``document`` holds no extension of ours that is not compared (``lifecycle``,
    ``existing`` and ``checks`` are taken out of it). ``ignore_changes`` are the
    paths of the manifest. ``existing``: it is created elsewhere; only the top-level
    fields that are written are managed, it is never created, reconfigured, owned or
    deleted. ``checks`` are questions that prove it, in the kind's own vocabulary.
    ``rollout`` is the block that says how a new version goes live, as it is written.
    """

    address: Address
    name: str
    document: Document
    prevent_destroy: bool = False
    ignore_changes: tuple[Path, ...] = ()
    existing: bool = False
    where: Position | None = None
    checks: tuple[Document, ...] = ()
    rollout: Document | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """An entry of ``removed:``, which is what is left of a manifest that was taken out.

    ``delete``: the resource goes; otherwise only our tags do.
    """

    address: Address
    name: str
    delete: bool
    where: Position | None = None
