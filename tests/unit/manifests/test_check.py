"""What a schema refuses, said to a person: where, what, and how to mend it."""

from __future__ import annotations

import pytest

from provisioner.manifests.schema.check import converted, shape
from provisioner.manifests.yaml.source import parse

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {
            "type": "string",
            "pattern": "^[a-z-]{1,20}$",
            "description": "The name in the URL. Lower case.",
        },
        "config": {"$ref": "#/definitions/Config", "description": "What is served."},
        "tags": {
            "type": "array",
            "maxItems": 2,
            "uniqueItems": True,
            "items": {"$ref": "#/definitions/Tag"},
        },
        "description": {"type": "string", "maxLength": 10},
        "secrets": {"type": "object", "additionalProperties": {"$ref": "#/definitions/Source"}},
        "where": {"$ref": "#/definitions/Where"},
        "either": {"anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/definitions/Tag"}]},
        "token": {"type": "string", "pattern": "^{{", "x-semantics": {"secret_reference": True}},
    },
    "definitions": {
        "Config": {
            "type": "object",
            "additionalProperties": False,
            "required": ["entities"],
            "properties": {
                "entities": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"$ref": "#/definitions/Entity"},
                },
                "share": {"type": "integer", "minimum": 0, "maximum": 100},
                "ratio": {"type": "number", "exclusiveMinimum": 0},
            },
        },
        "Entity": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "entity_version": {"type": "string", "pattern": "^[1-9][0-9]*$"},
                "workload_size": {"enum": ["Small", "Medium", "Large"], "type": "string"},
                "period": {"const": "minute", "type": "string"},
                "scale_to_zero": {"type": "boolean"},
            },
        },
        "Tag": {
            "type": "object",
            "additionalProperties": False,
            "required": ["key"],
            "properties": {
                "key": {"type": "string", "minLength": 1, "description": "A label. Any."}
            },
        },
        "Source": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"from_env": {"type": "string"}},
        },
        "Where": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"host": {"type": "string"}, "profile": {"type": "string"}},
        },
    },
}


def found(text: str) -> list[tuple[str, str, str, str]]:
    """Location, code, message and hint of everything wrong with a document."""
    source = parse("m.yaml", text.encode())
    data, _ = converted(source.data, SCHEMA, source.written, drop_empty=True)
    return [
        (".".join(map(str, one.at)), one.code, one.message, one.hint)
        for one in shape(data, SCHEMA, source.written)
    ]


FINE = [
    pytest.param("name: a\n", id="only what is required"),
    pytest.param("name: a\nconfig: {entities: [{entity_version: 3}]}\n", id="a version as number"),
    pytest.param("name: a\nconfig: {entities: [{entity_version: '3'}]}\n", id="a version as text"),
    pytest.param("name: a\neither: 3\n", id="one alternative"),
    pytest.param("name: a\neither: {key: x}\n", id="the other alternative"),
    pytest.param("name: a\nsecrets: {x: {from_env: Y}}\n", id="names that are free"),
    pytest.param("name: a\nwhere: {host: x}\n", id="exactly one of several"),
    pytest.param("name: a\nconfig: {entities: [{}], ratio: 1}\n", id="a whole number as number"),
]


@pytest.mark.parametrize("text", FINE)
def test_nothing_is_found(text):
    assert found(text) == []


N = "name: a\n"
E = "name: a\nconfig:\n  entities:\n"

WRONG = [
    pytest.param(
        N + "descripton: x\n",
        ("descripton", "E104", "unknown field `descripton`", "did you mean `description`?"),
        id="a typo",
    ),
    pytest.param(
        N + "config: {entities: [{}], Share: 3}\n",
        ("config.Share", "E104", "unknown field `Share`", "did you mean `share`?"),
        id="a capital letter",
    ),
    pytest.param(
        E + "  - workloadSize: Small\n",
        ("config.entities.0.workloadSize", "E104", "unknown field `workloadSize`",
         "did you mean `workload_size`?"),
        id="camel case",
    ),
    pytest.param(
        N + "entities: [{}]\n",
        ("entities", "E104", "unknown field `entities`", "it belongs one level down, in `config`"),
        id="a field too far left",
    ),
    pytest.param(
        N + "workload_size: Small\n",
        ("workload_size", "E104", "unknown field `workload_size`",
         "it belongs further down, in `config.entities`"),
        id="a field two levels too far left",
    ),
    pytest.param(
        N + "config: {entities: [{}], tags: []}\n",
        ("config.tags", "E104", "unknown field `tags`",
         "it belongs one level up, next to `config`"),
        id="a field too far right",
    ),
    pytest.param(
        E + "  - {description: x}\n",
        ("config.entities.0.description", "E104", "unknown field `description`",
         "it belongs 2 levels up, next to `config`"),
        id="a field two levels too far right",
    ),
    pytest.param(
        N + "tags: [{key: a, share: b}]\n",
        ("tags.0.share", "E104", "unknown field `share`", "it belongs in `config`"),
        id="a field of another part",
    ),
    pytest.param(
        N + "secrets: {x: {form_env: Y}}\n",
        ("secrets.x.form_env", "E104", "unknown field `form_env`", "did you mean `from_env`?"),
        id="a typo below a name that is free",
    ),
    pytest.param(
        N + "secrets: {x: {y: {}}}\n",
        ("secrets.x.y", "E104", "unknown field `y`", "the fields here are `from_env`"),
        id="a field of nowhere below a name that is free",
    ),
    pytest.param(
        N + "tags: [{key: a}, {key: a}]\n",
        ("tags", "E107", "`tags` does not satisfy `uniqueItems` of the schema", ""),
        id="a rule that has no words of its own",
    ),
    pytest.param(
        E + "  - scale_to_zero: maybe\n",
        ("config.entities.0.scale_to_zero", "E105",
         "`scale_to_zero` must be `true` or `false`, not the text `maybe`", ""),
        id="a word that is no boolean in any language",
    ),
    pytest.param(
        N + "tags: [{key: a, zzz: b}]\n",
        ("tags.0.zzz", "E104", "unknown field `zzz`", "the fields here are `key`"),
        id="a field of nowhere",
    ),
    pytest.param(
        "config: {entities: [{}]}\n",
        ("", "E106", "missing field `name`", "The name in the URL"),
        id="a required field that is missing",
    ),
    pytest.param(
        N + "tags: [{}]\n",
        ("tags.0", "E106", "missing field `key`", "A label"),
        id="a required field of an entry",
    ),
    pytest.param(
        "nmae: a\n",
        ("nmae", "E104", "unknown field `nmae`", "did you mean `name`?"),
        id="a required field that is misspelt is told once",
    ),
    pytest.param(
        E + "  - entity_version: 3.10\n",
        ("config.entities.0.entity_version", "E105",
         "`entity_version` must be text, not the number 3.10",
         'write a whole number of at least 1, such as "3"; as text, quote it: "3.10"'),
        id="a version that lost its zero, shown as it was written",
    ),
    pytest.param(
        E + "  - scale_to_zero: 0\n",
        ("config.entities.0.scale_to_zero", "E105",
         "`scale_to_zero` must be `true` or `false`, not the number 0",
         "write false"),
        id="0 for a boolean",
    ),
    pytest.param(
        N + "config: {entities: [{}], share: 010}\n",
        ("config.share", "E105", "`share` must be a whole number, not the text `010`",
         "write 10"),
        id="a number with a leading zero",
    ),
    pytest.param(
        N + "config: {entities: [{}], share: 90%}\n",
        ("config.share", "E105", "`share` must be a whole number, not the text `90%`",
         "write 90"),
        id="a percentage",
    ),
    pytest.param(
        N + "config: {entities: {}}\n",
        ("config.entities", "E105", "`entities` must be a list, not a mapping",
         "begin each entry with `- `, even if there is only one"),
        id="a mapping for a list",
    ),
    pytest.param(
        N + "config: []\n",
        ("config", "E105", "`config` must be a mapping, not a list",
         "this must not be a list: remove the `- `"),
        id="a list for a mapping",
    ),
    pytest.param(
        E + "  - Small\n",
        ("config.entities.0", "E105", "entry 1 of `entities` must be a mapping, not text", ""),
        id="text for an entry",
    ),
    pytest.param(
        N + "secrets: {x: sk-live-key}\n",
        ("secrets.x", "E105", "`x` must be a mapping, not text", ""),
        id="a key itself where it should be referred to is not repeated",
    ),
    pytest.param(
        N + "token: sk-live-key\n",
        ("token", "E109", "this cannot be the value of `token`", "it must match `^{{`"),
        id="what may be a secret is not repeated",
    ),
    pytest.param(
        N + "token: 12345\n",
        ("token", "E105", "`token` must be text, not a number", ""),
        id="a secret that is a number",
    ),
    pytest.param(
        "name: My Name\n",
        ("name", "E109",
         "`My Name` cannot be the value of `name`: `M`, whitespace, `N` are not allowed",
         "it must match `^[a-z-]{1,20}$` (The name in the URL)"),
        id="a text in the wrong form",
    ),
    pytest.param(
        'name: "a\\n"\n',
        ("name", "E109", "`a\n` cannot be the value of `name`: whitespace is not allowed",
         "it must match `^[a-z-]{1,20}$` (The name in the URL)"),
        id="a line break at the end does not slip through",
    ),
    pytest.param(
        E + "  - workload_size: small\n",
        ("config.entities.0.workload_size", "E107",
         "`small` is not a valid value of `workload_size`",
         "did you mean `Small`? the allowed values are `Small`, `Medium`, `Large`"),
        id="a value that is nearly right",
    ),
    pytest.param(
        E + "  - workload_size: Gigantic\n",
        ("config.entities.0.workload_size", "E107",
         "`Gigantic` is not a valid value of `workload_size`",
         "the allowed values are `Small`, `Medium`, `Large`"),
        id="a value that is not allowed",
    ),
    pytest.param(
        E + "  - period: hour\n",
        ("config.entities.0.period", "E107", "`hour` is not a valid value of `period`",
         "the allowed value is `minute`"),
        id="the only value there is",
    ),
    pytest.param(
        N + "config: {entities: [{}], share: 140}\n",
        ("config.share", "E108", "`share` is 140, but the maximum is 100", ""),
        id="a number that is too large",
    ),
    pytest.param(
        N + "config: {entities: [{}], share: -1}\n",
        ("config.share", "E108", "`share` is -1, but the minimum is 0", ""),
        id="a number that is too small",
    ),
    pytest.param(
        N + "config: {entities: [{}], ratio: 0}\n",
        ("config.ratio", "E108", "`ratio` is 0, but it must be greater than 0", ""),
        id="a number on an excluded bound",
    ),
    pytest.param(
        N + "config: {entities: []}\n",
        ("config.entities", "E108", "`entities` is empty", ""),
        id="an empty list",
    ),
    pytest.param(
        N + "tags: [{key: a}, {key: b}, {key: c}]\n",
        ("tags", "E108", "`tags` has 3 entries, but the maximum is 2", ""),
        id="a list that is too long",
    ),
    pytest.param(
        N + "description: longer than ten\n",
        ("description", "E108", "`description` has 15 characters, but the maximum is 10", ""),
        id="a text that is too long",
    ),
    pytest.param(
        N + "where: {host: a, profile: b}\n",
        ("where", "E108", "`where` must have exactly one of `host`, `profile`",
         "it has `host`, `profile`"),
        id="two of which only one may be",
    ),
    pytest.param(
        N + "where: {}\n",
        ("where", "E108", "`where` must have exactly one of `host`, `profile`", ""),
        id="none of which one has to be",
    ),
    pytest.param(
        N + "either: x\n",
        ("either", "E105", "`either` must be a whole number or a mapping, not the text `x`", ""),
        id="no alternative is near",
    ),
    pytest.param(
        N + "either: 0\n",
        ("either", "E108", "`either` is 0, but the minimum is 1", ""),
        id="the alternative of the right type speaks",
    ),
    pytest.param(
        N + "either: {kee: x}\n",
        ("either.kee", "E104", "unknown field `kee`", "did you mean `key`?"),
        id="also about what is inside of it",
    ),
    pytest.param(
        "- a\n",
        ("", "E105", "this must be a mapping, not a list",
         "this must not be a list: remove the `- `"),
        id="a list instead of everything",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_one_thing_is_found(text, expected):
    assert found(text) == [expected]


def test_everything_wrong_is_found_at_once():
    codes = [code for _, code, *_ in found("x: 1\nconfig: {share: 200, entities: [3]}\ntags: {}\n")]
    assert sorted(codes) == ["E104", "E105", "E105", "E106", "E108"]


def test_a_negative_version_is_refused():
    (finding,) = found(E + "  - entity_version: -3\n")
    assert finding[1] == "E109"


@pytest.mark.parametrize("key", [True, False], ids=["a name is to blame", "a value is to blame"])
def test_findings_say_whether_the_name_or_the_value_is_to_blame(key):
    text = "name: a\nnonsense: b\n" if key else "name: 3\n"
    (finding,) = shape(parse("m.yaml", text.encode()).data, SCHEMA)
    assert finding.key is key
