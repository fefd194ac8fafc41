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
from provisioner.model.rollout_block import Stage, drawn
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
    """``elsewhere``: it is named here, and it is declared elsewhere.

    ``stages`` are the shares, in percent, by which a new version goes live; none: at once.
    """

    sort: NodeType
    label: str
    identity: str
    elsewhere: bool = False
    stages: tuple[Stage, ...] = ()

    @property
    def steps(self) -> str:
        """The stages in words, ``0 → 5 → pause → 100 %``; ``""`` for none."""
        return f"{drawn(self.stages, None, '→')} %" if self.stages else ""


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
        # Only resources that route requests have a topology.
        if tell is None:
            continue
        identity = f"{environment}:{resource.address}"
        node = GraphNode(NodeType.RESOURCE, resource.name, identity, elsewhere=resource.existing)
        drawing.edge(GraphEdge(start, drawing.node(node)))
        rolled, stages = _rollout(resource)
        for number, branch in enumerate(tell(resource.document)):
            # Entities have names only within their endpoint, and may lack one.
            at = f"{identity}:{branch.name or number}"
            label, steps = branch.name or "(unnamed)", stages if branch.name == rolled else ()
            entity = drawing.node(GraphNode(NodeType.ENTITY, label, at, stages=steps))
            _branch(drawing, (identity, entity, environment), branch, declared)


def _rollout(resource: Resource) -> tuple[str, tuple[Stage, ...]]:
    """The name of the part that goes live step by step, and its stages."""
    role = KINDS[resource.address.kind].rollout
    spec = role.spec(resource) if role else None
    return (spec.entity, spec.stages) if spec else ("", ())


def _branch(
    drawing: GraphBuilder, at: tuple[str, str, str], branch: Branch, declared: frozenset[str]
) -> None:
    resource, entity, environment = at
    # With a share an entity is no mere fallback: the line shows the traffic.
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
