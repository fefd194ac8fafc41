"""Plain data as YAML: what is written reads back as the same data."""

from __future__ import annotations

import pytest
import yaml

from provisioner.files.yaml_text import inline, lines

VALUES = [
    pytest.param({"a": []}, id="an empty list in a mapping"),
    pytest.param({"a": {}}, id="an empty mapping in a mapping"),
    pytest.param([[], {}], id="empty ones in a list"),
    pytest.param({"a": "[]", "b": "{}"}, id="texts that look like empty ones"),
    pytest.param({"a": "x: y, z"}, id="a text with signs that mean something"),
    pytest.param({"a": None, "b": True, "c": 1.5, "d": ""}, id="scalars"),
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_on_one_line_reads_back_as_itself(value):
    assert yaml.safe_load(inline(value)) == value


@pytest.mark.parametrize("value", VALUES)
def test_a_value_in_blocks_reads_back_as_itself(value):
    assert yaml.safe_load("\n".join(lines({"outer": value}))) == {"outer": value}
