"""provisioner completion: the script that completes commands in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print a completion script for a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the script that completes commands, options, environments and addresses.

    \b
    Examples:
      eval "$(provisioner completion bash)"                            # in ~/.bashrc
      eval "$(provisioner completion zsh)"                             # in ~/.zshrc
      provisioner completion fish > ~/.config/fish/completions/provisioner.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, shell
    root = context.find_root().command
    click.echo(kind(root, {}, "provisioner", "_PROVISIONER_COMPLETE").source())
    return 0
