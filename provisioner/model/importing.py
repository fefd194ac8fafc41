"""What is live, or stands in another tool's files, as a manifest would describe it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioner.errors import Location
from provisioner.model.paths import Document

if TYPE_CHECKING:
    from provisioner.model.live import Live


@dataclass(frozen=True, slots=True)
class GeneratedManifest:
    """A resource in manifest vocabulary, without what nobody has to write.

    Texts are as they are: a ``${`` in one is no reference yet. A value that only somebody
    else knows is ``{"$secret": {"from_env": NAME}}``. ``comments`` are lines that stand above
    the part at a place. ``left_out`` names what the manifest cannot hold, and why.
    """

    document: Document
    comments: Mapping[Location, Sequence[str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateEntry:
    """One instance of a resource in a Terraform state.

    ``address`` is what a ``removed`` block takes, which is without the key of an instance;
    ``instance`` is its full address.
    """

    type: str
    address: str
    instance: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one kind makes of a Terraform state: a portrait, and the entries that are in it."""

    name: str
    generated: GeneratedManifest
    entries: tuple[StateEntry, ...]


@dataclass(frozen=True, slots=True)
class BundleRules:
    """What the settings of a whole bundle do to resources of the kind, as the CLI has it.

    ``levels`` has for each level of the bundle's `permissions` the one of the kind; what is not
    there has no effect. ``ranks`` are all levels of the kind, the weakest first. ``named``
    returns a document in which entries without a name have the one that the service gives
    them. ``secret_keys`` yields (scope, key) of each secret that a document refers to;
    ``with_keys`` returns a manifest of a document that also declares these keys.
    """

    levels: Mapping[str, str]
    ranks: Sequence[str]
    named: Callable[[Document], Document] = lambda document: document
    secret_keys: Callable[[Document], Iterable[tuple[str, str]]] = lambda document: ()
    with_keys: Callable[[Document, Sequence[str]], GeneratedManifest] | None = None


@dataclass(frozen=True, slots=True)
class Importing:
    """How a kind describes what it did not create.

    ``all_blocks`` is a document that makes a driver read all that can be described. ``generate``
    takes the live resource and the words that names of environment variables begin with.
    ``is_provided``: a resource of this name is the service's own. ``from_terraform`` takes the
    entries of a state and claims those of its kind. ``bundle`` is None for a kind that
    bundles do not have.
    """

    generate: Callable[[Live, str], GeneratedManifest]
    all_blocks: Document = field(default_factory=dict)
    is_provided: Callable[[str], bool] = lambda name: False
    from_terraform: Callable[[Sequence[StateEntry]], Sequence[Claimed]] = lambda entries: ()
    bundle: Callable[[], BundleRules] | None = None


def variable_name(text: str) -> str:
    """``text`` as the name of an environment variable."""
    name = re.sub(r"[^A-Z0-9]+", "_", text.upper(), flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"KEY_{name}"
