"""The parts of a project's own files in which nothing is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.errors import Finding
from provisioner.manifests.references import words_in
from provisioner.manifests.source import Source

REPLACED: Final = frozenset({"variables", "name_prefix", "defaults", "overrides"})
"""The sections of an environment's file that may refer to something."""

_HINTS: Final = {
    "workspace": "a review has to show where an environment is deployed: write it out, or name "
    "a profile with `profile: NAME`, whose host stands in ~/.databrickscfg",
    "manifests": "write the patterns out; what differs inside of manifests can be a variable",
}
_HINT: Final = "only `variables`, `name_prefix`, `defaults` and `overrides` may refer to something"


def fixed_references(source: Source) -> Iterator[Finding]:
    """Each `${…}` where it would stay as it is: nobody means that."""
    for section, value in source.data.items() if isinstance(source.data, dict) else ():
        if section in REPLACED:
            continue
        for at, word in words_in(value, (section,)):
            message = f"`${{{word}}}` is not replaced in `{section}`"
            yield Finding(at, "E224", message, _HINTS.get(str(section), _HINT))
