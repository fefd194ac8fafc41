"""What the ways to import have in common: writing the files, and saying what was done."""

from __future__ import annotations

from pathlib import Path

from provisioner.cli.terminal import Terminal
from provisioner.portrait import Imported


def finish(
    terminal: Terminal, imported: Imported, root: Path, *, dry_run: bool, to_stdout: bool
) -> int:
    """Write the files unless they are only to be shown; return the exit code."""
    from provisioner.new_manifests import write
    from provisioner.rendering import imported as rendering

    if not (dry_run or to_stdout):
        write(root, imported.files.values())
    if terminal.common.json:
        terminal.answer_json(rendering.to_json(imported))
    elif to_stdout:
        terminal.answer(rendering.files(imported))
    else:
        shown = rendering.diff(imported) if dry_run else ""
        terminal.answer(f"{shown}\n" * bool(shown) + rendering.text(imported))
    terminal.problems(imported.problems)
    for note in imported.notes:
        terminal.say(f"note: {note}")
    if imported.files and not dry_run and not to_stdout:
        for line in imported.next:
            terminal.say(f"next: {line}")
    return 1 if imported.problems else 0
