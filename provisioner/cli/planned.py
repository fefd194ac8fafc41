"""What the commands around a plan have in common: asking for it, showing and saving it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from provisioner import __version__
from provisioner.cli.options import What
from provisioner.cli.terminal import Terminal
from provisioner.errors import FileError, UsageError
from provisioner.plan import Plan
from provisioner.workflow import Wanted


def wanted(what: What) -> Wanted:
    """The options as the workflow takes them."""
    return Wanted(what.select, frozenset(what.rotate), what.take_over_from, what.prune)


def refuse_options(what: What) -> None:
    """Raise UsageError for options that would change a plan which is already made."""
    given = [f"--{name.replace('_', '-')}" for name, value in what._asdict().items() if value]
    if given:
        raise UsageError.of(
            "E813",
            f"a saved plan is applied as it is: {', '.join(given)} cannot change it any more",
            hint="make the plan with these options: plan --out FILE",
        )


def show(terminal: Terminal, plan: Plan) -> None:
    """Print ``plan`` in the form that was asked for."""
    if terminal.common.json:
        from provisioner.rendering.plan_json import to_json

        terminal.answer_json(to_json(plan, __version__))
    else:
        terminal.answer(as_text(terminal, plan))


def as_text(terminal: Terminal, plan: Plan) -> str:
    """``plan`` as people read it, fitted to the terminal."""
    from provisioner.rendering.plan_text import Style, text

    style = Style(
        colour=terminal.colour(sys.stdout),
        unicode=terminal.unicode(sys.stdout),
        width=terminal.width,
    )
    return text(plan, style)


def save(plan: Plan, path: Path) -> None:
    """Write ``plan`` to ``path``, readable by its owner only. Raises FileError."""
    import json

    from provisioner.rendering.plan_json import to_json

    content = json.dumps(to_json(plan, __version__), indent=2) + "\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            # An existing file keeps its mode in open(); this one says what will be done.
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
    except OSError as error:
        raise FileError.of("E802", f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> Plan:
    """The plan saved in ``path``. Raises FileError when it is not one, or was changed."""
    import json

    from provisioner.rendering.plan_json import from_json

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError.of("E803", f"cannot read the plan {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FileError.of("E803", f"{path} is not a plan: it is not JSON") from error
    return from_json(data)
