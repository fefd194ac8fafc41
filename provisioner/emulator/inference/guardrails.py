"""Guardrails of the gateway: personal data and forbidden words in questions and answers.

``safety`` and ``valid_topics`` need a model that judges texts; here they let everything pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from provisioner.emulator.http.routing import ApiError

Side = Literal["input", "output"]

PATTERNS: Mapping[str, re.Pattern[str]] = {
    "EMAIL_ADDRESS": re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "US_SSN": re.compile(r"(?<!\d)(?<!\d-)\d{3}-\d{2}-\d{4}(?!-?\d)"),
    "CREDIT_CARD": re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)"),
}


@dataclass(frozen=True, slots=True)
class GuardrailFinding:
    """The result of one side's guardrails for one text. ``masked`` is the text without the data."""

    masked: str
    personal_data: bool
    invalid_keyword: bool


def inspect(rules: Mapping[str, Any], text: str) -> GuardrailFinding:
    """Checks a text. ``rules`` is the ``input`` or ``output`` block of the gateway's guardrails."""
    masked = _mask(text)
    lowered = text.lower()
    words = (word.lower() for word in rules.get("invalid_keywords") or ())
    return GuardrailFinding(
        masked=masked,
        personal_data=_pii_behaviour(rules) != "NONE" and masked != text,
        invalid_keyword=any(word in lowered for word in words if word),
    )


def apply(
    rules: Mapping[str, Any], side: Side, texts: Sequence[str], spent: Mapping[str, int]
) -> tuple[str, ...]:
    """Returns the texts, personal data masked where the rules say so. [serving-api 3.10]

    ``spent`` is the ``usage`` block that an error shows. Raises ApiError 400 where a guardrail
    stops a text.
    """
    if not rules:
        return tuple(texts)
    findings = [inspect(rules, text) for text in texts]
    blocks_pii = _pii_behaviour(rules) == "BLOCK"
    if any(each.invalid_keyword or (blocks_pii and each.personal_data) for each in findings):
        raise _blocked(side, findings, spent)
    return tuple(
        each.masked if each.personal_data else text
        for each, text in zip(findings, texts, strict=True)
    )


def _pii_behaviour(rules: Mapping[str, Any]) -> str:
    return str((rules.get("pii") or {}).get("behavior") or "NONE")


# rule(recorded): A guardrail that stops a text answers 400 with this JSON in its message.
#     [serving-api 3.10]
def _blocked(
    side: Side, findings: Iterable[GuardrailFinding], spent: Mapping[str, int]
) -> ApiError:
    """Returns the error. Its message is JSON in a string, as clients parse it."""
    return ApiError(
        400,
        "BAD_REQUEST",
        json.dumps(
            {
                "usage": dict(spent),
                f"{side}_guardrail": [_row(finding) for finding in findings],
                "finishReason": f"{side}_guardrail_triggered",
            }
        ),
    )


def _row(finding: GuardrailFinding) -> dict[str, Any]:
    return {
        "flagged": finding.invalid_keyword or finding.personal_data,
        "categories": {"invalid_keywords": finding.invalid_keyword},
        "category_scores": {"invalid_keywords": float(finding.invalid_keyword)},
        "pii_detection": finding.personal_data,
        "anonymized_input": finding.masked,
    }


def _mask(text: str) -> str:
    for name, pattern in PATTERNS.items():
        text = pattern.sub(partial(_placeholder, name), text)
    return text


def _placeholder(name: str, match: re.Match[str]) -> str:
    if name == "CREDIT_CARD" and not _is_card_number(match[0]):
        return match[0]
    return f"<{name}>"


def _is_card_number(text: str) -> bool:
    """Checks the check digit (Luhn): order numbers and dates are no card numbers."""
    digits = [int(sign) for sign in reversed(text) if sign.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
