"""Which fields differ, and which only seem to."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.documents import entries_by_label, value_at
from provisioner.model.field_rules import rules_in
from provisioner.model.paths import Key, path_text
from provisioner.model.plan import ABSENT
from provisioner.planning.comparable import comparable
from provisioner.planning.diff import by_path, diff

SCHEMA = json.loads(Path(__file__).with_name("toy.schema.json").read_text(encoding="utf-8"))
RULES = rules_in(SCHEMA)
SECRET = {"$secret": {"from_env": "KEY"}}


def entity(name="a", **fields):
    return {"name": name, "version": "1"} | fields


def endpoint(*entities, **fields):
    """An endpoint with these entities, or with one called ``a``."""
    return {"name": "chat", "config": {"entities": list(entities) or [entity()]}} | fields


def gateway(**fields):
    return endpoint(gateway=fields)


def limit(calls, **fields):
    return {"calls": calls} | fields


SAME = [
    pytest.param(
        endpoint(entity("a"), entity("b")),
        endpoint(entity("b"), entity("a")),
        id="a keyed list in another order",
    ),
    pytest.param(
        endpoint(entity(burst=True)),
        endpoint(),
        id="a write-only field the service does not return",
    ),
    pytest.param(
        endpoint(raw={"new": {"deep": 1}}), endpoint(), id="a write-only block with all in it"
    ),
    pytest.param(endpoint(description=None), endpoint(), id="null and absent"),
    pytest.param(
        endpoint(gateway={"limits": [], "words": None}),
        endpoint(),
        id="a block that holds only empty things, and absent",
    ),
    pytest.param(endpoint(settings={}), endpoint(), id="an empty free mapping and absent"),
    pytest.param(endpoint(settings={"A": None}), endpoint(settings={}), id="an entry that is null"),
    pytest.param(
        endpoint(), endpoint(id="x", state={"ready": "READY"}), id="fields the model does not know"
    ),
    pytest.param(
        endpoint(entity()),
        endpoint(entity(creator="someone", state={})),
        id="fields the model does not know inside an entry",
    ),
    pytest.param(
        endpoint(entity(version="3")), endpoint(entity(version=3)), id="a version as number"
    ),
    pytest.param(endpoint(capacity=20), endpoint(capacity="20"), id="an integer written as text"),
    pytest.param(endpoint(ratio=0.5), endpoint(ratio="5e-1"), id="a number written as text"),
    pytest.param(endpoint(capacity=20), endpoint(capacity=20.0), id="20 and 20.0"),
    pytest.param(
        endpoint({"version": "1"}),
        endpoint({"version": "1"}),
        id="a single entity without a name on both sides",
    ),
    pytest.param(
        endpoint(entity(model={"key_plaintext": SECRET})),
        endpoint(entity(model={})),
        id="a secret given as plaintext",
    ),
    pytest.param(
        endpoint(settings={"token": SECRET}),
        endpoint(settings={"token": copy.deepcopy(SECRET)}),
        id="the same secret reference twice",
    ),
    pytest.param(
        endpoint(entity(), entity()),
        endpoint(entity(), entity()),
        id="repeated entries that are the same on both sides",
    ),
]


@pytest.mark.parametrize(("desired", "live"), SAME)
def test_no_difference(desired, live):
    assert diff(desired, live, RULES) == ()
    assert diff(live, desired, RULES) == ()


DIFFERENT = [
    pytest.param(endpoint(capacity=1), endpoint(capacity=2), [("capacity", 2, 1)], id="a scalar"),
    pytest.param(endpoint(capacity=0), endpoint(), [("capacity", ABSENT, 0)], id="zero is a value"),
    pytest.param(
        endpoint(entity(zero=False)),
        endpoint(),
        [("config.entities[a].zero", ABSENT, False)],
        id="false is a value",
    ),
    pytest.param(
        endpoint(description=""),
        endpoint(),
        [("description", ABSENT, "")],
        id="empty text is a value",
    ),
    pytest.param(
        endpoint(capacity=1), endpoint(capacity=True), [("capacity", True, 1)], id="1 and true"
    ),
    pytest.param(
        endpoint(settings={"A": 1}),
        endpoint(settings={"A": "1"}),
        [("settings[A]", "1", 1)],
        id="1 and its text, where no type is known",
    ),
    pytest.param(
        endpoint(capacity=1),
        endpoint(capacity="1_0"),
        [("capacity", "1_0", 1)],
        id="text that only Python takes for a number",
    ),
    pytest.param(
        endpoint(settings={"A": "1", "B": "2", "D": "4"}),
        endpoint(settings={"A": "0", "C": "3", "D": "4"}),
        [("settings[A]", "0", "1"), ("settings[B]", ABSENT, "2"), ("settings[C]", "3", ABSENT)],
        id="a free mapping, entry by entry",
    ),
    pytest.param(
        endpoint(entity(version="2")),
        endpoint(entity()),
        [("config.entities[a].version", "1", "2")],
        id="inside an entry of a keyed list",
    ),
    pytest.param(
        endpoint(entity("a"), entity("b", model={"key_plaintext": SECRET}, odd=1)),
        endpoint(entity("a")),
        [("config.entities[b]", ABSENT, entity("b", model={"key_plaintext": SECRET}))],
        id="a whole new entry is one change and shows what cannot be read back",
    ),
    pytest.param(
        endpoint(entity("a")),
        endpoint(entity("a"), entity("b", state={"x": 1}, size=None)),
        [("config.entities[b]", entity("b"), ABSENT)],
        id="a whole removed entry is one change without what the model does not know",
    ),
    pytest.param(
        endpoint(),
        gateway(limits=[limit(5, key="user")], words=["x"]),
        [
            ("gateway.limits[user]", limit(5, key="user"), ABSENT),
            ("gateway.words", ["x"], ABSENT),
        ],
        id="a block that one side lacks, field by field",
    ),
    pytest.param(
        gateway(limits=[limit(5, key="user_group", principal="analysts"), limit(7)]),
        gateway(limits=[limit(6, key="user_group", principal="analysts"), limit(8)]),
        [
            ("gateway.limits[endpoint].calls", 8, 7),
            ("gateway.limits[user_group:analysts].calls", 6, 5),
        ],
        id="entries with two keys",
    ),
    pytest.param(
        gateway(limits=[limit(5)]),
        gateway(limits=[limit(6, key="endpoint")]),
        [
            ("gateway.limits[endpoint].calls", 6, 5),
            ("gateway.limits[endpoint].key", "endpoint", ABSENT),
        ],
        id="a key that is left out and counts as its default",
    ),
    pytest.param(
        endpoint(permissions=[{"group_name": "x", "level": "READ"}]),
        endpoint(permissions=[{"user_name": "x", "level": "READ"}]),
        [
            ("permissions[group_name:x]", ABSENT, {"group_name": "x", "level": "READ"}),
            ("permissions[x]", {"user_name": "x", "level": "READ"}, ABSENT),
        ],
        id="a user and a group of the same name are not paired",
    ),
    pytest.param(
        endpoint({"version": "2"}),
        endpoint(entity("made-up")),
        [
            ("config.entities[made-up].name", "made-up", ABSENT),
            ("config.entities[made-up].version", "1", "2"),
        ],
        id="a single entity without a name is paired with the single live one",
    ),
    pytest.param(
        endpoint(entity("a")),
        endpoint({"version": "2"}),
        [
            ("config.entities[a].name", ABSENT, "a"),
            ("config.entities[a].version", "2", "1"),
        ],
        id="a single live entity without a name is paired with the single desired one",
    ),
    pytest.param(
        endpoint({"version": "2"}),
        endpoint(entity("a"), entity("b")),
        [
            ('config.entities[""]', ABSENT, {"version": "2"}),
            ("config.entities[a]", entity("a"), ABSENT),
            ("config.entities[b]", entity("b"), ABSENT),
        ],
        id="an entity without a name is not paired when there are two live ones",
    ),
    pytest.param(
        endpoint(entity("a")),
        endpoint(entity("a"), entity("a", version="9"), entity("a", version="8")),
        [
            ("config.entities[a#2]", entity("a", version="9"), ABSENT),
            ("config.entities[a#3]", entity("a", version="8"), ABSENT),
        ],
        id="live entries of the same name",
    ),
    pytest.param(
        gateway(words=["b", "c", "d"]),
        gateway(words=["a", "b", "c"]),
        [("gateway.words[0]", "a", ABSENT), ("gateway.words[2]", ABSENT, "d")],
        id="a plain list, where it differs",
    ),
    pytest.param(
        gateway(words=["m", "n", "a", "c"]),
        gateway(words=["a", "b", "c"]),
        [("gateway.words[0]", ABSENT, "m"), ("gateway.words[1]", "b", "n")],
        id="one place of a plain list, taken out and put in",
    ),
    pytest.param(
        gateway(words=[True, "b"]),
        gateway(words=[1, "a"]),
        [("gateway.words[0]", 1, True), ("gateway.words[1]", "a", "b")],
        id="1 and true in a plain list",
    ),
    pytest.param(
        endpoint(settings={"a": {"x": 1, "y": 1}}),
        endpoint(settings={"a": {"x": 1.0, "y": 2}}),
        [("settings[a].y", 2, 1)],
        id="1 and 1.0 inside a value of no known shape",
    ),
    pytest.param(
        gateway(words=["x"] * 11 + ["b"]),
        gateway(words=["x"] * 2 + ["a"] + ["x"] * 8 + ["c"]),
        [("gateway.words[2]", "a", "x"), ("gateway.words[11]", "c", "b")],
        id="positions sort as numbers",
    ),
    pytest.param(
        gateway(steps=[{"do": "x", "odd": 1}, {"do": "y"}]),
        gateway(steps=[{"do": "x", "odd": 2}, {"do": "z"}]),
        [("gateway.steps[1].do", "z", "y")],
        id="a list of objects without a key",
    ),
    pytest.param(
        endpoint(settings={"a": {"__x": 1, "b.c": [1]}}),
        endpoint(settings={"a": {"__x": 2, "b.c": [1, 2]}}),
        [("settings[a].__x", 2, 1), ("settings[a][b.c][1]", 2, ABSENT)],
        id="inside a value of no known shape",
    ),
    pytest.param(
        endpoint(settings={"a": ["x", SECRET]}),
        endpoint(settings={"a": ["x", {"$secret": {"from_env": "OTHER"}}]}),
        [("settings[a][1]", {"$secret": {"from_env": "OTHER"}}, SECRET)],
        id="a secret reference is one value",
    ),
    pytest.param(
        endpoint(settings={"a": SECRET}),
        endpoint(settings={"a": {"b": 1}}),
        [("settings[a]", {"b": 1}, SECRET)],
        id="a secret reference in place of a mapping",
    ),
    pytest.param(
        endpoint(settings=SECRET),
        endpoint(settings={"A": "1"}),
        [("settings", {"A": "1"}, SECRET)],
        id="a secret reference in place of a free mapping",
    ),
    pytest.param(
        gateway(steps=[{"do": "x"}, {"do": "y", "seen": "z", "odd": 1}]),
        gateway(steps=[{"do": "x"}]),
        [("gateway.steps[1]", ABSENT, {"do": "y", "seen": "z"})],
        id="a new object in a list without a key, with what cannot be read back",
    ),
    pytest.param(
        endpoint(tags=[{"key": "team", "value": "x"}]),
        endpoint(tags={"team": "x"}),
        [("tags[team]", "x", {"key": "team", "value": "x"})],
        id="a list that is a mapping on the live side",
    ),
    pytest.param(
        endpoint(config={"entities": [entity()]}),
        endpoint(config="text"),
        [("config", "text", {"entities": [entity()]})],
        id="a block that is text on the live side",
    ),
]


@pytest.mark.parametrize(("desired", "live", "expected"), DIFFERENT)
def test_difference(desired, live, expected):
    found = diff(desired, live, RULES)
    assert [(path_text(c.path), c.before, c.after) for c in found] == expected
    assert [type(c.after) for c in found] == [type(after) for _, _, after in expected]


def test_entries_of_one_label_each_get_their_own():
    rule = RULES.fields["tags"]
    tags = [{"key": key} for key in ("a", "a#2", "a", "a", None, 7, True)]
    assert list(entries_by_label([*tags, "text"], rule)) == [
        "a",
        "a#2",
        "a#3",
        "a#4",
        "",
        "7",
        "true",
        "#2",
    ]


def test_documents_are_not_changed_by_comparing_them():
    desired, live = endpoint(entity(size=None)), endpoint(gateway={"limits": [limit(1)]})
    before = copy.deepcopy((desired, live))
    diff(desired, live, RULES)
    assert (desired, live) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "key", "model", "calls", "$secret", "__a", "value", ""])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        name: JSON
        | st.lists(
            st.dictionaries(st.sampled_from(["key", "value", "principal"]), JSON), max_size=3
        )
        for name in RULES.fields
    },
)
CONFIGS = st.fixed_dictionaries(
    {
        "config": st.fixed_dictionaries(
            {}, optional={"entities": JSON | st.lists(KNOWN), "traffic": JSON}
        )
    }
)


@given(KNOWN | CONFIGS | JSON, KNOWN | CONFIGS | JSON)
def test_nothing_that_json_can_hold_raises(desired, live):
    there, back = diff(desired, live, RULES), diff(live, desired, RULES)
    assert bool(there) == bool(back)
    assert [c.path for c in there] == sorted((c.path for c in there), key=by_path)
    assert len({change.path for change in there}) == len(there)


@given(KNOWN | CONFIGS | JSON)
def test_a_document_does_not_differ_from_itself_or_from_its_json(document):
    copied = json.loads(json.dumps(document))
    assert diff(document, copied, RULES) == ()


@given(KNOWN | CONFIGS, KNOWN | CONFIGS)
def test_where_nothing_differs_the_comparable_documents_are_equal(desired, live):
    differ = diff(desired, live, RULES) != ()
    # Python's own comparison is the coarser one: it cannot tell 1 from true.
    assert differ or comparable(desired, RULES) == comparable(live, RULES)


PLACES = [
    pytest.param(("config", "entities", Key("a"), "version"), "1", id="in an entry"),
    pytest.param(("config", "entities", Key("b")), ABSENT, id="no such entry"),
    pytest.param(("config", "traffic", "routes"), ABSENT, id="below a block that is null"),
    pytest.param(("gateway", "words", Key("1")), "y", id="a position in a plain list"),
    pytest.param(("gateway", "words", Key("7")), ABSENT, id="a position past the end"),
    pytest.param(("gateway", "words", Key("x")), ABSENT, id="a key in a plain list"),
    pytest.param(("settings", Key("A")), "1", id="an entry of a free mapping"),
    pytest.param(("name", "inside"), ABSENT, id="below text"),
    pytest.param(("name", Key("inside")), ABSENT, id="an entry of text"),
    pytest.param(("odd",), ABSENT, id="a field that the model does not know"),
]


@pytest.mark.parametrize(("path", "expected"), PLACES)
def test_a_value_is_found_by_its_path(path, expected):
    document = endpoint(gateway={"words": ["x", "y"]}, settings={"A": "1"})
    document["config"]["traffic"] = None
    assert value_at(document, path, RULES) == expected


def test_a_single_entry_without_a_name_is_found_under_any_label():
    document = {"config": {"entities": [{"version": "3"}]}}
    assert value_at(document, ("config", "entities", Key("live"), "version"), RULES) == "3"


def large_document():
    variables = {f"VARIABLE_{number}": "what it holds" for number in range(8)}
    entities = [
        entity(f"entity-{number}", size="Small", zero=True, variables=variables, model={"key": "x"})
        for number in range(8)
    ]
    return endpoint(*entities, tags=[{"key": f"k{n}", "value": "v"} for n in range(8)])


def seconds(work, repeats=5):
    def once():
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(repeats))


@pytest.mark.skipif(sys.gettrace() is not None, reason="tracing slows down Python, but not C")
@pytest.mark.parametrize("extra", [{}, {"state": "READY"}], ids=["equal", "equal but for output"])
def test_equal_pairs_cost_little_more_than_writing_them_down(extra):
    desired = large_document()
    live = copy.deepcopy(desired)
    for each in live["config"]["entities"]:
        each.update(extra)
    assert 3_000 < len(json.dumps(desired)) < 5_000
    # In units of this machine: what it takes to write both as JSON. deepdiff takes about 90.
    unit = seconds(lambda: [json.dumps([desired, live]) for _ in range(50)])
    assert seconds(lambda: [diff(desired, live, RULES) for _ in range(50)]) < 8 * unit


def test_equal_pairs_do_not_load_deepdiff():
    code = (
        "import sys; from provisioner.planning.planner import plan_step\n"
        "from provisioner.planning.diff import diff\n"
        "from provisioner.model.field_rules import FieldRule\n"
        "rules = FieldRule(fields={'a': FieldRule()})\n"
        "diff({'a': 1}, {'a': 2, 'b': 3}, rules)\n"
        "assert not {'deepdiff', 'numpy', 'pydantic'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
