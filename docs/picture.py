"""Draws docs/images/plan.svg: a plan in colour, from what the command really prints.

Run it with `make pictures`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "images" / "plan.svg"
WIDTH = 92


def provisioner(folder: Path, *words: str) -> str:
    variables = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "PYTHONPATH": str(ROOT)}
    keys = {"OPENAI_API_KEY": "value", "ANTHROPIC_API_KEY": "value"}
    done = subprocess.run(
        [sys.executable, "-m", "provisioner", *words],
        cwd=folder,
        env={**os.environ, **variables, **keys},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def plan() -> str:
    """The plan after half of the traffic of examples/traffic-split went to the other model."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(shutil.copytree(ROOT / "examples" / "traffic-split", Path(folder) / "shop"))
        provisioner(project, "apply", "-y")
        manifest = project / "manifests" / "chat.yaml"
        text = manifest.read_text(encoding="utf-8")
        text = text.replace("percentage: 90", "percentage: 50")
        manifest.write_text(
            text.replace("percentage: 10", "percentage: 50").replace("assistants", "chat"),
            encoding="utf-8",
        )
        return provisioner(project, "plan")


def main() -> None:
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "bold green"), "provisioner plan"))
        console.print(Text.from_ansi(plan().rstrip()))
    # Without the fonts of another host: a page that shows the picture asks nobody else.
    picture = re.sub(
        r"@font-face \{.*?\}\s*", "", console.export_svg(title="provisioner"), flags=re.S
    )
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")


if __name__ == "__main__":
    main()
