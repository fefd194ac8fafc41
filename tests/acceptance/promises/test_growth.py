"""What a command does grows with the number of resources, and never with its square.

Counted are calls and walks through whole tables, not seconds: a count is the same on every
machine.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.errors import FileError
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.model.plan import Address
from provisioner.model.resource import Removal
from provisioner.model.selection import EVERYTHING
from provisioner.planning.request import PlanContext
from provisioner.workflow.scope import PlanScope

FEW, MANY = 40, 160
# Sorting takes a little more than in proportion; a square would be sixteen times as many.
AT_MOST = MANY / FEW * 2
HEAD = "resources:\n  model_serving_endpoints:\n"
ENDPOINT = """\
    e{number}:
      name: chat-{number}
      config:
        served_entities:
          - name: gpt
            external_model:
              name: gpt-4o
              provider: openai
              task: llm/v1/chat
              openai_config: {{{setting}{number}}}
"""


def write(root: Path, count: int, files: int, setting: str) -> None:
    """``count`` endpoints in ``files`` manifests below ``root``."""
    (root / "manifests").mkdir(parents=True)
    for number in range(files):
        entries = range(number, count, files)
        text = "".join(ENDPOINT.format(number=each, setting=setting) for each in entries)
        (root / "manifests" / f"{number}.yaml").write_text(HEAD + text)


def loaded(root: Path) -> Loaded | None:
    settings = WorkspaceSettings(host="https://x")
    environment = Environment("dev", settings, ("manifests/*.yaml",))
    try:
        return load(root, environment, KINDS)
    except FileError:
        return None


def calls(work: Callable[[], object]) -> Counter[str]:
    """How often ``work`` calls each function, Python's own included."""
    counted: Counter[str] = Counter()

    def count(frame: object, event: str, argument: object) -> None:
        if event == "call":
            counted[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            counted[argument.__qualname__] += 1

    # What earlier tests left behind must not be finalized in between.
    gc.collect()
    gc.disable()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return counted


@pytest.mark.parametrize("files", [1, 10])
@pytest.mark.parametrize(
    "setting",
    [
        pytest.param("openai_api_base: https://", id="without problems"),
        pytest.param("openai_api_kie: may-be-a-key-", id="with a problem in every resource"),
    ],
)
def test_four_times_the_resources_take_four_times_the_calls(tmp_path, files, setting):
    counts = []
    loaded(Path("nowhere"))
    for count in (FEW, FEW, MANY):  # The first run fills the caches of the schemas.
        root = tmp_path / f"{len(counts)}"
        write(root, count, files, setting)
        counts.append(calls(lambda at=root: loaded(at)))
    _, few, many = counts
    grown = {name: (few[name], number) for name, number in many.items() if number > MANY}
    assert {name: pair for name, pair in grown.items() if pair[1] > pair[0] * AT_MOST} == {}


@pytest.mark.parametrize("files", [1, 10])
def test_a_file_is_searched_for_references_once(tmp_path, files):
    write(tmp_path, MANY, files, "openai_api_base: https://")
    assert calls(lambda: loaded(tmp_path))["has_references"] == files


class WalkedTable(dict[object, object]):
    """Counts how often somebody looks at everything in it."""

    walks = 0

    def __iter__(self):
        self.walks += 1
        return super().__iter__()

    def keys(self):
        self.walks += 1
        return super().keys()

    def values(self):
        self.walks += 1
        return super().values()


def test_asking_for_the_address_of_each_live_resource_walks_the_manifests_once():
    kind = "model_serving_endpoints"
    addresses = WalkedTable({(kind, f"e{n}"): Address(kind, f"e{n}") for n in range(MANY)})
    removals = tuple(Removal(Address(kind, f"r{n}"), f"old-{n}", True) for n in range(MANY))
    scope = PlanScope(
        Loaded((), (), "", (), removals), PlanContext("p", "e", addresses=addresses), EVERYTHING, ()
    )

    def ask() -> None:
        for number in range(MANY):
            assert scope.declares(kind, f"e{number}")
            assert scope.declares(kind, f"old-{number}")
            assert not scope.declares(kind, f"orphan-{number}")
            assert scope.address_of(kind, f"old-{number}").key == f"r{number}"
            assert scope.address_of(kind, f"orphan-{number}").key == f"orphan-{number}"

    # An address is compared by a call of __eq__: with each of the removals that would be a square.
    assert calls(ask)["Address.__eq__"] <= 5 * MANY
    assert addresses.walks <= 2
