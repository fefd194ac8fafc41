"""A plan as people read it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from provisioner.model.paths import Key, parse_path
from provisioner.model.plan import ABSENT, Action, Address, FieldChange, Operation, Plan, Step
from provisioner.rendering.plan_text import summary_line, text
from provisioner.rendering.style import Style

STYLE = Style(width=80)
SECRET = {"$secret": {"from_env": "OPENAI_API_KEY"}}
KEEP, UPDATE, CREATE = Action.KEEP, Action.UPDATE, Action.CREATE


def change(path, before, after, action=UPDATE, reason=""):
    return FieldChange(parse_path(path), before, after, action, detail=reason)


def calls(*names):
    return tuple(Operation(name, "PUT", "/") for name in names)


def step(action, *changes, key="chat", name="chat", **more):
    return Step(Address("toys", key), name, action, changes, **more)


def plan(*steps):
    return Plan("shop", "prod", "https://x.net", steps)


def body(*steps, style=STYLE):
    """The lines between the header and the summary."""
    lines = text(plan(*steps), style).splitlines()
    summary = next(at for at, line in enumerate(lines) if line.startswith("Plan: "))
    return lines[2 : summary - 1]


def test_header_steps_and_summary():
    steps = [
        step(CREATE, key="a", name="a-name"),
        step(UPDATE, change("calls", 10, 20), key="b", operations=calls("put_ai_gateway")),
        step(KEEP, key="c"),
    ]
    assert text(plan(*steps), STYLE) == (
        "Plan for shop/prod at https://x.net\n"
        "\n"
        "+ create  toys.a  (a-name)\n"
        "\n"
        "~ update  toys.b  (chat)\n"
        "    calls  10 → 20\n"
        "    calls: put_ai_gateway\n"
        "\n"
        "Plan: 1 to create, 1 to update, 0 to replace, 0 to delete, 1 unchanged\n"
    )


def test_a_plan_that_changes_nothing_is_a_header_and_a_summary():
    assert text(plan(step(KEEP), step(KEEP)), STYLE).splitlines() == [
        "Plan for shop/prod at https://x.net",
        "",
        "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 2 unchanged",
    ]


def test_an_update_that_apply_would_wait_for_is_told_although_its_step_is_not_shown():
    waiting = (step(KEEP, key=key, updating=True) for key in "ab")
    others = (step(KEEP, updating=True, existing=True), step(KEEP))
    assert text(plan(*waiting, *others), STYLE).splitlines()[2:] == [
        "toys.a, toys.b: update in progress; apply waits until it ends",
        "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 4 unchanged",
    ]


def test_the_summary_names_the_rest_only_where_there_is_any():
    steps = [step(action) for action in (Action.ADOPT, Action.BLOCKED, Action.ORPHAN)]
    assert summary_line(plan(*steps, step(Action.REPLACE), step(Action.DELETE))) == (
        "Plan: 0 to create, 0 to update, 1 to replace, 1 to delete, 0 unchanged, "
        "1 to adopt, 1 blocked, 1 orphan"
    )


def test_the_summary_is_wrapped_between_its_parts():
    steps = [step(action) for action in (Action.ADOPT, Action.BLOCKED, Action.ORPHAN)]
    assert text(plan(*steps), STYLE).splitlines()[-2:] == [
        "Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged,",
        "    1 to adopt, 1 blocked, 1 orphan",
    ]


def test_a_long_header_is_wrapped_between_its_words():
    key, name = "k" * 60, "n" * 90
    assert body(step(CREATE, key=key, name="name")) == [
        f"+ create  toys.{key}",
        "    (name)",
    ]
    assert body(step(CREATE, key=name, name=name)) == [
        "+ create",
        f"    toys.{name}",
        f"    ({name})",
    ]


def test_an_entry_without_a_name_is_told_by_its_place():
    changes = change('config.entities[""].size', ABSENT, "Small", CREATE)
    assert body(step(CREATE, changes))[1:] == ["    config.entities[].size  Small"]


def test_only_a_create_leaves_out_the_name():
    kept = step(UPDATE, change("name", "old", "chat"))
    assert body(kept)[1:] == ["    name  old → chat"]


HEADS = [
    pytest.param(CREATE, "+ create", "+ create", id="create"),
    pytest.param(UPDATE, "~ update", "~ update", id="update"),
    pytest.param(Action.REPLACE, "± replace", "-+ replace", id="replace"),
    pytest.param(Action.DELETE, "- delete", "- delete", id="delete"),
    pytest.param(Action.ADOPT, "= adopt", "= adopt", id="adopt"),
    pytest.param(Action.BLOCKED, "! blocked", "! blocked", id="blocked"),
    pytest.param(Action.ORPHAN, "? orphan", "? orphan", id="orphan"),
]


@pytest.mark.parametrize(("action", "unicode", "ascii_"), HEADS)
def test_each_action_has_a_symbol_and_a_word(action, unicode, ascii_):
    assert body(step(action)) == [f"{unicode}  toys.chat  (chat)"]
    assert body(step(action), style=replace(STYLE, unicode=False)) == [
        f"{ascii_}  toys.chat  (chat)"
    ]


BODIES = [
    pytest.param(
        step(
            UPDATE,
            change("a", 1, 2),
            change("config.entities[champion].version", "11", "12"),
            change("config.entities[champion].size", "Small", "Large"),
            change("tags[team]", ABSENT, {"key": "team", "value": "x"}),
            change("tags[by]", {"key": "by"}, ABSENT),
        ),
        [
            "    a  1 → 2",
            '    config.entities[champion].version  "11" → "12"',
            "    config.entities[champion].size     Small → Large",
            "    tags[team]  (not set) → {key: team, value: x}",
            "    tags[by]    {key: by} → (removed)",
        ],
        id="values stand in a column, one for short and one for deep paths",
    ),
    pytest.param(
        step(Action.REPLACE, change("fast", False, True, Action.REPLACE, "fixed at creation")),
        ["    fast  false → true  (fixed at creation)"],
        id="a reason stands behind the values",
    ),
    pytest.param(
        step(UPDATE, change("a", 1, 2, reason="r" * 40 + " and so on, until the line is too long")),
        [
            "    a  1 → 2",
            "       (rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr and so on, until the line is",
            "       too long)",
        ],
        id="a long reason stands below the values",
    ),
    pytest.param(
        step(UPDATE, change("secrets[k]", {"stored_at": "x"}, SECRET, reason="--rotate")),
        ["    secrets[k]  {stored_at: x} → (secret from $OPENAI_API_KEY)  (--rotate)"],
        id="a secret is named by its source",
    ),
    pytest.param(
        step(UPDATE, change("model.key_plaintext", ABSENT, SECRET, reason="--rotate")),
        ["    model.key_plaintext  (secret from $OPENAI_API_KEY)  (--rotate)"],
        id="what cannot be read back has no value before",
    ),
    pytest.param(
        step(UPDATE, change("config", {"a": 1}, {"a": 1}, reason="the last update failed")),
        ["    config  sent again  (the last update failed)"],
        id="what is equal is sent again",
    ),
    pytest.param(
        step(CREATE, change("name", ABSENT, "chat", CREATE), change("n", ABSENT, 5, CREATE)),
        ["    n  5"],
        id="what is created has no value before",
    ),
    pytest.param(
        step(
            CREATE,
            change(
                "config.entities[gpt]",
                ABSENT,
                {"name": "gpt", "model": {"provider": "openai", "block": {"key": SECRET}}},
                CREATE,
            ),
        ),
        [
            "    config.entities[gpt]",
            "      name             gpt",
            "      model.provider   openai",
            "      model.block.key  (secret from $OPENAI_API_KEY)",
        ],
        id="a new entry is told field by field",
    ),
    pytest.param(
        step(
            CREATE,
            change("entities[a b]".replace("a b", '"a b"'), ABSENT, {"x": {"a.b": 1}}, CREATE),
        ),
        ['    entities["a b"]', "      x.a.b  1"],
        id="a key with a blank stands in quotes",
    ),
    pytest.param(
        step(
            UPDATE,
            change("t.routes[all]", ABSENT, {"entity": "all", "traffic_percentage": 100}),
            change("t.routes[champion].traffic_percentage", 90, 50),
            change("t.routes[most].traffic_percentage", 100, 99),
            change("t.routes[new]", ABSENT, {"entity": "new", "traffic_percentage": 4}),
            change("t.routes[old]", {"entity": "old", "traffic_percentage": 10}, ABSENT),
        ),
        [
            "    t.routes",
            "      all       ██████████ 100 %",
            "      champion  █████░░░░░  90 → 50 %",
            "      most      █████████░ 100 → 99 %",
            "      new       █░░░░░░░░░   4 %",
            "      old       ░░░░░░░░░░  10 → 0 % (removed)",
        ],
        id="traffic is drawn",
    ),
    pytest.param(
        step(
            UPDATE,
            change("t.routes[a].traffic_percentage", "90", 50),
            change("t.routes[b]", {"traffic_percentage": 400, "entity": "b"}, ABSENT),
            change("t.routes[c].traffic_percentage", True, 50),
            change("t.routes[d]", {"traffic_percentage": 4, "entity": "d", "more": 1}, ABSENT),
        ),
        [
            '    t.routes[a].traffic_percentage  "90" → 50',
            "    t.routes[b]  {traffic_percentage: 400, entity: b} → (removed)",
            "    t.routes[c].traffic_percentage  true → 50",
            "    t.routes[d]  {traffic_percentage: 4, entity: d, more: 1} → (removed)",
        ],
        id="traffic that is none is not drawn",
    ),
    pytest.param(
        step(
            Action.BLOCKED,
            change("d", "old", "new", Action.BLOCKED, "no call changes it"),
            reason="d: no call changes it",
            hint="restore the old text, or ignore the field with "
            "`lifecycle: {ignore_changes: [description]}`",
        ),
        [
            "    d: no call changes it",
            "    hint: restore the old text, or ignore the field with `lifecycle:",
            "          {ignore_changes: [description]}`",
            "    d  old → new  (no call changes it)",
        ],
        id="a blocked step says why and what to do",
    ),
    pytest.param(
        step(UPDATE, operations=calls("patch_tags", "update_config"), notes=("one", "two")),
        ["    calls: patch_tags, update_config", "    note: one", "    note: two"],
        id="calls and notes",
    ),
    pytest.param(
        step(UPDATE, change("a", 1, 2), change("size", "S", ABSENT, KEEP, "chosen by the service")),
        ["    a  1 → 2"],
        id="what is kept is not shown",
    ),
    pytest.param(
        step(UPDATE, change(f"a.{'b' * 60}.c", "before", "after")),
        [f"    a.{'b' * 60}.c", "      before → after"],
        id="a long path has the line for itself",
    ),
    pytest.param(
        step(UPDATE, change("text", "one\ntwo" + "x" * 90, "one\nzwo" + "x" * 90)),
        ["    text", f'      "one\\ntwo{"x" * 8}…{"x" * 16}" → "one\\nzwo{"x" * 8}…{"x" * 16}"'],
        id="long values of several lines are cut and stay on one line",
    ),
]


@pytest.mark.parametrize(("given", "expected"), BODIES)
def test_what_stands_below_a_step(given, expected):
    assert body(given)[1:] == expected


def test_verbose_shows_what_is_left_alone_and_why():
    kept = change("size", "Small", ABSENT, KEEP, "chosen by the service")
    assert body(step(KEEP, kept), style=replace(STYLE, verbose=True)) == [
        "= unchanged  toys.chat  (chat)",
        "    size  Small is kept  (chosen by the service)",
    ]


def test_what_only_ascii_can_show():
    given = step(
        UPDATE, change("t.routes[ä].traffic_percentage", 90, 50), change("a", "ö", "…" * 90)
    )
    shown = text(plan(given), replace(STYLE, unicode=False))
    assert shown.isascii()
    assert r"      \xe4  #####.....  90 -> 50 %" in shown
    assert "..." in shown


ANSI = re.compile(r"\x1b\[[0-9;]*m")


def many_steps():
    everything = [case.values[0] for case in BODIES]
    return plan(*everything, *(step(case.values[0]) for case in HEADS))


def test_colour_adds_nothing_but_colour():
    plain = text(many_steps(), STYLE)
    coloured = text(many_steps(), replace(STYLE, colour=True))
    assert "\x1b" not in plain
    assert "\x1b[32m+ create\x1b[0m" in coloured
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == plain.splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_keep_to_the_width(width):
    lines = text(many_steps(), replace(STYLE, width=width)).splitlines()
    # A path that is longer than the line has to be copied in one piece, and so has the last line.
    long_paths = [line for line in lines[:-1] if len(line) > width]
    assert all(re.fullmatch(r"\s+\S+", line) for line in long_paths)


EVIL = "a\x1b[2Jb\r\n::set-output\u202e"


def test_nothing_that_the_service_says_reaches_the_terminal_as_it_is():
    evil = Step(
        Address("toys", EVIL),
        EVIL,
        UPDATE,
        (
            FieldChange(("settings", Key(EVIL)), EVIL, {EVIL: [EVIL]}, UPDATE, detail=EVIL),
            FieldChange(("new",), ABSENT, {EVIL: {EVIL: EVIL}, "b": EVIL}, UPDATE),
            FieldChange(("r", Key(EVIL), "traffic_percentage"), 1, 2),
        ),
        operations=calls(EVIL),
        reason=EVIL,
        hint=EVIL,
        notes=(EVIL,),
    )
    shown = text(replace(plan(evil), project=EVIL, host=EVIL), STYLE)
    assert not set("\x1b\r\u202e") & set(shown)
    assert not [line for line in shown.splitlines() if line.startswith("::")]


def many(action, number, value=20):
    return [
        step(action, change("calls", 10, value), key=f"toy{at:02}", operations=calls("put"))
        for at in range(number)
    ]


def test_many_equal_steps_are_shown_once_with_their_number():
    assert body(*many(UPDATE, 21), step(CREATE, key="z")) == [
        "~ update  21 resources with the same changes",
        "    toys.toy00, toys.toy01, toys.toy02, toys.toy03, toys.toy04 and 16 more (-v",
        "    shows each)",
        "    calls  10 → 20",
        "    calls: put",
        "",
        "+ create  toys.z  (chat)",
    ]


@pytest.mark.parametrize(
    ("steps", "style"),
    [
        pytest.param(many(UPDATE, 20), STYLE, id="not so many"),
        pytest.param(many(UPDATE, 21), replace(STYLE, verbose=True), id="with -v"),
        pytest.param(many(Action.DELETE, 21), STYLE, id="deletions, which are named each"),
        pytest.param(many(Action.REPLACE, 21), STYLE, id="replacements, which are named each"),
    ],
)
def test_each_step_is_shown(steps, style):
    shown = "\n".join(body(*steps, style=style))
    assert all(str(each.address) in shown for each in steps)


def test_steps_that_differ_in_a_value_are_told_apart():
    lines = body(*many(UPDATE, 21), step(UPDATE, change("calls", 10, 30), key="other"))
    assert "    calls  10 → 30" in lines
    assert "~ update  toys.other  (chat)" in lines


NOTE = "the service may pick a new value: config"


@pytest.mark.parametrize(
    ("number", "style", "times"),
    [
        pytest.param(3, STYLE, 3, id="a few times: below each"),
        pytest.param(4, STYLE, 1, id="more often: once, with the number"),
        pytest.param(4, replace(STYLE, verbose=True), 4, id="with -v: below each"),
    ],
)
def test_a_note_of_many_resources_is_shown_once(number, style, times):
    steps = [
        step(UPDATE, change("calls", 10, at), key=f"t{at}", notes=(NOTE,)) for at in range(number)
    ]
    lines = body(*steps, style=style)
    assert sum(NOTE in line for line in lines) == times
    assert any(line == f"    note ({number} resources): {NOTE}" for line in lines) is (times == 1)
