"""Writes examples/console/console.png: the console with an update under way. `make pictures`."""

from __future__ import annotations

from pathlib import Path

import console_sample as sample
from window import opened

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

PICTURE = Path(__file__).parent.parent.parent / "examples" / "console" / "console.png"
SIZE = {"width": 1180, "height": 640}
# Longer than it takes to open the page: the update has to be seen.
TRANSITION = "seconds=30"


def main() -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with running(Settings(transition=TRANSITION)) as server, opened() as browser:
        sample.fill(server)
        sample.start_update(server)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(f"{server.url}/#token={server.token}")
        page.get_by_text("Updating", exact=True).wait_for()
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
