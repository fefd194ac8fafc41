"""``python -m provisioner`` is the same as ``provisioner``."""

from provisioner.cli import run

if __name__ == "__main__":
    run()
