"""What is connected as an SVG picture: columns from left to right, light and dark. Pure.

Nothing is loaded from elsewhere. Widths are estimated: a renderer may have another font.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.commands.graph.graph import GraphEdge, GraphNode, Network, NodeType
from provisioner.commands.graph.text import words
from provisioner.rendering.markup import in_html
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import columns

BOX, ROW, GAP, MARGIN, PAD = 30, 44, 90, 24, 14
CHARACTER: Final = 7.4
MOST_COLUMNS: Final = 42
TITLES: Final = {
    NodeType.ENVIRONMENT: "environments",
    NodeType.RESOURCE: "endpoints",
    NodeType.ENTITY: "served entities",
    NodeType.MODEL: "models",
    NodeType.SECRETS: "secret scopes",
}
STYLE: Final = """
  svg { background: #ffffff; font: 12px ui-sans-serif, system-ui, sans-serif; }
  text { fill: #1f2328; } .title { fill: #59636e; font-weight: 600; } .share { fill: #59636e; }
  rect { fill: #f6f8fa; stroke: #818b98; } path { fill: none; stroke: #818b98; }
  .environment { stroke: #0969da; } .resource { stroke: #1a7f37; } .model { stroke: #8250df; }
  .secrets { stroke: #9a6700; } .elsewhere, .idle { stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } text { fill: #f0f6fc; } .title, .share { fill: #9198a1; }
    rect { fill: #151b23; stroke: #656c76; } path { stroke: #656c76; }
    .environment { stroke: #4493f8; } .resource { stroke: #3fb950; } .model { stroke: #ab7df8; }
    .secrets { stroke: #d29922; }
  }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node is drawn; ``y`` is its middle."""

    node: GraphNode
    label: str
    x: float
    y: float
    width: float


def svg(network: Network) -> str:
    """The picture, complete."""
    boxes = _placed(network)
    right = max((box.x + box.width for box in boxes.values()), default=0.0) + MARGIN
    bottom = max((box.y + ROW / 2 for box in boxes.values()), default=0.0) + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {bottom:.0f}" '
        f'width="{right:.0f}" height="{bottom:.0f}" role="img">',
        f"<title>environments, endpoints, models and secrets</title><style>{STYLE}</style>",
        *_titles(boxes),
        *(line for edge in network.edges for line in _edge(edge, boxes)),
        *(line for box in boxes.values() for line in _box(box)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _placed(network: Network) -> dict[str, Box]:
    """Entities one below the other; what leads to them in their middle, as does what follows."""
    heights = _heights(network)
    boxes: dict[str, Box] = {}
    x = float(MARGIN)
    for sort in NodeType:
        nodes = [node for node in network.nodes if node.sort is sort]
        if not nodes:
            continue
        labels = {
            node.identity: _shortened("  ".join(filter(None, (node.label, node.steps))))
            for node in nodes
        }
        widest = max(columns(label) for label in (*labels.values(), TITLES[sort]))
        width = widest * CHARACTER + 2 * PAD
        for node in nodes:
            y = heights[node.identity] + 2.5 * MARGIN
            boxes[node.identity] = Box(node, labels[node.identity], x, y, width)
        x += width + GAP
    return boxes


def _heights(network: Network) -> dict[str, float]:
    entities = [node.identity for node in network.nodes if node.sort is NodeType.ENTITY]
    heights = {identity: float(row * ROW) for row, identity in enumerate(entities)}
    after: dict[str, list[str]] = {node.identity: [] for node in network.nodes}
    before: dict[str, list[str]] = {node.identity: [] for node in network.nodes}
    for edge in network.edges:
        after[edge.start].append(edge.end)
        before[edge.end].append(edge.start)
    for sort, neighbours in (
        (NodeType.RESOURCE, after),
        (NodeType.ENVIRONMENT, after),
        (NodeType.MODEL, before),
        (NodeType.SECRETS, before),
    ):
        column = [node.identity for node in network.nodes if node.sort is sort]
        heights |= _column(column, neighbours, heights)
    return heights


def _column(
    column: Sequence[str], neighbours: Mapping[str, Sequence[str]], known: Mapping[str, float]
) -> dict[str, float]:
    """Each in the middle of its neighbours, and none on another."""

    def middle(identity: str) -> float:
        positions = [known[neighbour] for neighbour in neighbours[identity] if neighbour in known]
        return sum(positions) / len(positions) if positions else 0.0

    placed: dict[str, float] = {}
    lowest = 0.0
    # Barycentre order: each box near its neighbours, which keeps most lines from crossing.
    for identity in sorted(column, key=middle):
        placed[identity] = max(middle(identity), lowest)
        lowest = placed[identity] + ROW
    return placed


def _titles(boxes: Mapping[str, Box]) -> Iterator[str]:
    seen = {box.node.sort: box.x for box in boxes.values()}
    for sort, x in sorted(seen.items(), key=lambda item: item[1]):
        yield f'<text class="title" x="{x:.0f}" y="{MARGIN}">{TITLES[sort]}</text>'


def _edge(edge: GraphEdge, boxes: Mapping[str, Box]) -> Iterator[str]:
    start, end = boxes[edge.start], boxes[edge.end]
    left, right = start.x + start.width, end.x
    # Leaves and arrives level: the control points lie halfway, at the heights of the ends.
    bend = (left + right) / 2
    idle = ' class="idle"' if edge.share == 0 else ""
    thick = 1 + 3 * (edge.share or 0) / 100
    yield (
        f'<path{idle} stroke-width="{thick:.1f}" d="M{left:.0f} {start.y:.0f} '
        f'C{bend:.0f} {start.y:.0f} {bend:.0f} {end.y:.0f} {right:.0f} {end.y:.0f}"/>'
    )
    if edge.share is not None:
        x, y = right - 6, end.y - 6
        yield f'<text class="share" text-anchor="end" x="{x:.0f}" y="{y:.0f}">{words(edge)}</text>'


def _box(box: Box) -> Iterator[str]:
    elsewhere = " elsewhere" if box.node.elsewhere else ""
    yield (
        f'<g><title>{in_html(box.node.label)}</title><rect class="{box.node.sort}{elsewhere}" '
        f'x="{box.x:.0f}" y="{box.y - BOX / 2:.0f}" width="{box.width:.0f}" height="{BOX}" rx="6"/>'
    )
    x, y = box.x + PAD, box.y + 4
    yield f'<text x="{x:.0f}" y="{y:.0f}">{in_html(box.label)}</text></g>'


def _shortened(label: str) -> str:
    """``label`` in at most so many columns, its beginning and its end."""
    text = harmless_line(label)
    if columns(text) <= MOST_COLUMNS:
        return text
    # Names of one team share their beginning, so the end must stay readable, too.
    half = MOST_COLUMNS // 2 - 1
    return f"{_cut(text, half)}…{_cut(text[::-1], half)[::-1]}"


def _cut(text: str, most: int) -> str:
    while columns(text) > most:
        text = text[:-1]
    return text
