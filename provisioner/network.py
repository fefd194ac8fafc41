"""What leads to what, from environments to secrets, as columns of nodes: for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """What a node stands for; in this order from left to right."""

    ENVIRONMENT = "environment"
    RESOURCE = "resource"
    ENTITY = "entity"
    MODEL = "model"
    SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Node:
    """``elsewhere``: it is named here, and somebody else declares it."""

    sort: Sort
    label: str
    identity: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node's identity to another's. ``share`` is the percentage of the traffic.

    ``fallback`` says that requests come here when another way has failed.
    """

    start: str
    end: str
    share: int | None = None
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes and edges, both in the order in which they were met."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
