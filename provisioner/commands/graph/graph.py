"""``graph``: what the manifests connect, without a workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import environment_names
from provisioner.model.resource import Resource
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.model.serving import Branch
from provisioner.workflow.environments import open_all
from provisioner.workflow.project import open_project


class NodeType(StrEnum):
    """What a node stands for; in this order from left to right."""

    ENVIRONMENT = "environment"
    RESOURCE = "resource"
    ENTITY = "entity"
    MODEL = "model"
    SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class GraphNode:
    """``elsewhere``: it is named here, and somebody else declares it."""

    sort: NodeType
    label: str
    identity: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class GraphEdge:
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

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass
class GraphBuilder:
    """Nodes and edges while they are collected; what is met again is there already."""

    nodes: dict[str, GraphNode] = field(default_factory=dict)
    edges: dict[tuple[str, str], GraphEdge] = field(default_factory=dict)

    def node(self, node: GraphNode) -> str:
        """Add ``node``, and return its identity."""
        self.nodes.setdefault(node.identity, node)
        return node.identity

    def edge(self, edge: GraphEdge) -> None:
        """Add ``edge``, unless its two nodes are connected."""
        self.edges.setdefault((edge.start, edge.end), edge)


def graph(
    folder: Path | None,
    environment: str = "",
    selection: Selection = EVERYTHING,
    given: Sequence[str] = (),
) -> Network:
    """What one environment connects, or all of them.

    Raises FileError for manifests with errors, UsageError for a selection of nothing.
    """
    project = open_project(folder)
    drawing = GraphBuilder()
    names = (environment,) if environment else environment_names(project.root)
    opened = open_all(project.root, names, Outside.of(given, os.environ))
    for each in opened.all_or_error():
        _draw(drawing, each.environment.name, each.loaded, selection)
    return Network(tuple(drawing.nodes.values()), tuple(drawing.edges.values()))


def _draw(drawing: GraphBuilder, environment: str, loaded: Loaded, selection: Selection) -> None:
    start = drawing.node(GraphNode(NodeType.ENVIRONMENT, environment, f"environment:{environment}"))
    declared = frozenset(_sources(loaded.resources))
    for resource in selection.choose(loaded.resources):
        tell = KINDS[resource.address.kind].runtime.topology
        if tell is None:
            continue
        identity = f"{environment}:{resource.address}"
        node = GraphNode(NodeType.RESOURCE, resource.name, identity, elsewhere=resource.existing)
        drawing.edge(GraphEdge(start, drawing.node(node)))
        for number, branch in enumerate(tell(resource.document)):
            at = f"{identity}:{branch.name or number}"
            _branch(drawing, (identity, at, environment), branch, declared)


def _branch(
    drawing: GraphBuilder, at: tuple[str, str, str], branch: Branch, declared: frozenset[str]
) -> None:
    resource, identity, environment = at
    entity = drawing.node(GraphNode(NodeType.ENTITY, branch.name or "(unnamed)", identity))
    drawing.edge(GraphEdge(resource, entity, branch.share, branch.fallback and not branch.share))
    model = drawing.node(
        GraphNode(NodeType.MODEL, branch.serves, f"{environment}:model:{branch.serves}")
    )
    drawing.edge(GraphEdge(entity, model))
    for name in branch.secrets:
        elsewhere = name.casefold() not in declared
        scope = GraphNode(
            NodeType.SECRETS, name, f"{environment}:secrets:{name.casefold()}", elsewhere
        )
        drawing.edge(GraphEdge(model, drawing.node(scope)))


def _sources(resources: Sequence[Resource]) -> Iterator[str]:
    """The names of declared resources that hold secrets, in lower case."""
    for resource in resources:
        if KINDS[resource.address.kind].dependencies.provides_secrets:
            yield resource.name.casefold()
