"""Texts from outside, made fit to be shown: no secrets, no control characters, not endless."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from provisioner.model.secret import MASK

LONGEST = 600

# Shorter values would blank out ordinary words, and no service accepts them as secrets.
_SHORTEST = 4

# Tokens that look like those of a service: Databricks, OAuth, OpenAI, AWS.
_TOKEN = re.compile(
    r"\b(?:Bearer|Basic)\s+(?=\S*[0-9]|\S{30})[A-Za-z0-9._~+/=-]{8,}"
    r"|\bdapi[0-9a-f-]{8,}|\bdose[0-9a-f-]{8,}|\bdkea[0-9a-f-]{8,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"
    r"|\bsk-[A-Za-z0-9_*-]{6,}|\bAKIA[A-Z0-9]{12,}"
)

# C0, C1 and DEL; marks that hide or reorder text on a terminal; lone surrogates.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+"
)


def printable(text: str) -> str:
    """``text`` on one line, without anything that could drive a terminal."""
    return " ".join(_UNFIT.sub("", " ".join(text.split())).split())


class Redactor:
    """Masks given values, in every form in which a service might repeat them."""

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Longest first: a value that contains another one must go as a whole.
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def clean(self, text: str, longest: int = LONGEST) -> str:
        """``text`` ready to be shown. Cut last: a cut secret would no longer be found."""
        # Before and after: control characters may be part of a secret, or split one.
        shown = self._masked(printable(self._masked(text)))
        return shown if len(shown) <= longest else f"{shown[:longest]}..."

    def _masked(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        return _TOKEN.sub(MASK, text)


def _forms(secret: str) -> Iterator[str]:
    # A key of many lines is known by each of them.
    parts = {secret, secret.strip(), printable(secret), *secret.splitlines()}
    for part in parts:
        if len(part.strip()) < _SHORTEST:
            continue
        yield part
        yield repr(part)[1:-1]
        yield quote(part, safe="")
        yield quote(part)
        yield quote_plus(part)
        yield from _json_forms(part)
        raw = part.encode("utf-8", "replace")
        yield base64.b64encode(raw).decode("ascii").rstrip("=")
        yield base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _json_forms(part: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(part, ensure_ascii=ascii_only)[1:-1]
        yield once
        # A service that quotes the body it was sent in a JSON answer.
        yield json.dumps(once)[1:-1]
