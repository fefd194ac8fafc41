"""The order of environments, and circles in it."""

from __future__ import annotations

import pytest

from provisioner.manifests.promotion_chain import circles, ordered


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param({}, (), id="none"),
        pytest.param({"b": "", "a": ""}, ("a", "b"), id="no chain: by name"),
        pytest.param(
            {"prod": "staging", "dev": "", "staging": "dev"},
            ("dev", "staging", "prod"),
            id="one chain, whatever the names",
        ),
        pytest.param(
            {"dev": "", "eu": "dev", "us": "dev", "dr": "eu"},
            ("dev", "eu", "dr", "us"),
            id="two workspaces take from one: each with what follows it",
        ),
        pytest.param(
            {"b1": "", "b2": "b1", "a1": "", "a2": "a1"}, ("a1", "a2", "b1", "b2"), id="two chains"
        ),
        pytest.param({"b": "gone", "a": ""}, ("a", "b"), id="a source that takes no part"),
    ],
)
def test_each_comes_after_the_one_it_takes_from(sources, expected):
    assert ordered(sources) == expected
    assert ordered(dict(reversed(sources.items()))) == expected


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param({"a": "", "b": "a"}, (), id="a chain is none"),
        pytest.param({"a": "b", "b": "a"}, (("a", "b"),), id="two"),
        pytest.param({"a": "c", "b": "a", "c": "b"}, (("a", "b", "c"),), id="three"),
        pytest.param({"x": "a", "a": "b", "b": "a"}, (("a", "b"),), id="with one outside of it"),
        pytest.param({"a": "b", "b": "a", "c": "d", "d": "c"}, (("a", "b"), ("c", "d")), id="both"),
    ],
)
def test_each_circle_is_told_once(sources, expected):
    assert circles(sources) == expected
    assert circles(dict(reversed(sources.items()))) == expected
