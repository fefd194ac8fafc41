"""What is connected as a Mermaid flowchart and as JSON. Pure."""

from __future__ import annotations

from typing import Any, Final

from provisioner.commands.graph.graph import GraphEdge, GraphNode, Network, NodeType
from provisioner.rendering.markup import in_mermaid

MOST_EDGES: Final = 500
"""GitHub draws no Mermaid chart that has more."""

SHAPES: Final = {
    NodeType.ENVIRONMENT: ("[[", "]]"),
    NodeType.RESOURCE: ("([", "])"),
    NodeType.ENTITY: ("[", "]"),
    NodeType.MODEL: ("[/", "/]"),
    NodeType.SECRETS: ("[(", ")]"),
}


def mermaid(network: Network) -> str:
    """The source of a flowchart from left to right."""
    names = {node.identity: f"n{number}" for number, node in enumerate(network.nodes)}
    lines = ["flowchart LR"]
    lines += [_node(names[node.identity], node) for node in network.nodes]
    lines += [_edge(names, edge) for edge in network.edges]
    lines += [
        f"  style {names[node.identity]} stroke-dasharray:4"
        for node in network.nodes
        if node.elsewhere
    ]
    return "\n".join(lines) + "\n"


def _node(name: str, node: GraphNode) -> str:
    before, after = SHAPES[node.sort]
    steps = f"<br/>{in_mermaid(node.steps)}" if node.steps else ""
    return f'  {name}{before}"{in_mermaid(node.label)}{steps}"{after}'


def _edge(names: dict[str, str], edge: GraphEdge) -> str:
    start, end = names[edge.start], names[edge.end]
    if edge.share is None:
        return f"  {start} --> {end}"
    line = "-->" if edge.share else "-.->"
    label = words(edge)
    return f'  {start} {line}|"{label}"| {end}'


def words(edge: GraphEdge) -> str:
    """What stands at an edge with traffic: ``90 %`` or ``fallback``."""
    return "fallback" if edge.fallback else f"{edge.share} %"


def to_json(network: Network) -> dict[str, Any]:
    """``{"nodes": [{"id", "sort", "label", "elsewhere"}], "edges": [{"from", "to", ...}]}``.

    Nodes that go live step by step have ``steps``. Edges to entities also have
    ``traffic_percentage`` and ``fallback``.
    """
    return {
        "nodes": [
            {
                "id": node.identity,
                "sort": str(node.sort),
                "label": node.label,
                "elsewhere": node.elsewhere,
                **({"steps": [stage.percent for stage in node.stages]} if node.stages else {}),
            }
            for node in network.nodes
        ],
        "edges": [_edge_json(edge) for edge in network.edges],
    }


def _edge_json(edge: GraphEdge) -> dict[str, Any]:
    made: dict[str, Any] = {"from": edge.start, "to": edge.end}
    if edge.share is not None:
        made |= {"traffic_percentage": edge.share, "fallback": edge.fallback}
    return made
