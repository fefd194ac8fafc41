"""Which released variables are meant by the words of a command line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from provisioner.errors import UsageError
from provisioner.manifests.load import Loaded
from provisioner.selection import selected


def meant(loaded: Loaded, words: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Those of the variables ``known`` that ``words`` name, sorted; all without a word.

    A word is a variable, or the key, address, name or glob of a resource, which means the
    variables that it is made from. Raises UsageError for a word that names nothing.
    """
    if not words:
        return tuple(sorted(known))
    found: set[str] = set()
    for word in words:
        found |= {word} if word in known else _behind(loaded, word, known)
    return tuple(sorted(found))


def _behind(loaded: Loaded, word: str, known: Collection[str]) -> set[str]:
    try:
        resources = selected((*loaded.resources, *loaded.withheld), [word])
    except UsageError:
        keys = {one.address.key for one in (*loaded.resources, *loaded.withheld)}
        close = get_close_matches(word, sorted({*known, *keys}), n=1)
        named = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        hint = f"did you mean `{close[0]}`?" if close else f"variables are {named}"
        message = f"`{word}` is no released variable, and no resource either"
        raise UsageError.of("E711", message, hint) from None
    addresses = {one.address for one in resources}
    found = {name for name in known if addresses & set(loaded.uses.get(name, ()))}
    if not found:
        named = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        message = f"`{word}` is made from no released variable"
        raise UsageError.of("E711", message, f"variables are {named}")
    return found
