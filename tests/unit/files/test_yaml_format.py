"""What `fmt` does to the text of a file: order and indentation, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from proofs import examples
from strategies import manifests

from provisioner.commands.fmt.fmt import rules_of
from provisioner.commands.importing.manifest_text import WrittenEntry, manifest
from provisioner.files.yaml_format import arranged
from provisioner.kinds import KINDS
from provisioner.manifests.yaml.source import parse
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import GeneratedManifest
from provisioner.model.plan import Address

EXAMPLES = Path(__file__).parent.parent.parent.parent / "examples"
FILES = sorted([*EXAMPLES.glob("*/manifests/**/*.yaml"), *EXAMPLES.glob("*/environments/*.yaml")])
AB = FieldRule(
    fields={"a": FieldRule(), "b": FieldRule(fields={"c": FieldRule(), "d": FieldRule()})}
)
LIST = FieldRule(fields={"l": FieldRule(list_key=("a",), fields=AB.fields)})


def comments(text: str) -> list[str]:
    return sorted(line.split("#", 1)[1] for line in text.splitlines() if "#" in line)


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        pytest.param(AB, "b: 1\na: 2\n", "a: 2\nb: 1\n", id="fields in the order of the docs"),
        pytest.param(AB, "a: 2\nb: 1\n", "a: 2\nb: 1\n", id="what is in order stays"),
        pytest.param(AB, "z: 1\nb: 1\na: 2\n", "a: 2\nb: 1\nz: 1\n", id="unknown fields go last"),
        pytest.param(AB, "b:\n    d: 1\n", "b:\n  d: 1\n", id="two blanks a level"),
        pytest.param(
            AB,
            "# of the file\n\nb:\n      # of d\n      d: 1  # behind d\n      # at the end of b\n"
            "# of a\na: 2\n# the last\n",
            "# of the file\n\n# of a\na: 2\nb:\n  # of d\n  d: 1  # behind d\n  # at the end of b\n"
            "# the last\n",
            id="comments go where their part goes",
        ),
        pytest.param(
            LIST,
            "l:\n- b: 1\n  a: 2\n# second\n-   a: 3\n",
            "l:\n  - a: 2\n    b: 1\n  # second\n  - a: 3\n",
            id="a list stands below its field",
        ),
        pytest.param(
            LIST,
            "l:\n  - b: 1\n    # of a\n    a: 2\n",
            "l:\n  # of a\n  - a: 2\n    b: 1\n",
            id="a comment that would stand behind a dash goes above it",
        ),
        pytest.param(
            LIST,
            "l:\n  - # behind the dash\n    b: 1\n    a: 2\n",
            "l:\n  - # behind the dash\n    a: 2\n    b: 1\n",
            id="a comment behind a dash stays",
        ),
        pytest.param(
            LIST, "l: [{b: 1, a: 2},  {a: 3}]\n", "l: [{a: 2, b: 1},  {a: 3}]\n", id="on one line"
        ),
        pytest.param(
            LIST,
            "l: [{b: 1, # one\n  a: 2}]\n",
            "l: [{b: 1, # one\n  a: 2}]\n",
            id="between brackets with a comment nothing moves",
        ),
        pytest.param(
            AB,
            "b:\n      d: |\n            one\n              two\n\n            three\n      c: >-\n"
            "        x\na: 1\n",
            "a: 1\nb:\n  c: >-\n    x\n  d: |\n        one\n          two\n\n        three\n",
            id="blocks of text keep their shape",
        ),
        pytest.param(
            AB,
            'b:\n    d: "one\n      two"\n    c: 1\n',
            'b:\n  c: 1\n  d: "one\n    two"\n',
            id="a text on several lines",
        ),
        pytest.param(
            AB, "b: &x {d: 1}\na: *x\n", "b: &x {d: 1}\na: *x\n", id="a name stays before its use"
        ),
        pytest.param(
            AB,
            "b: &x\n    d: 1\n    c: 2\n",
            "b: &x\n  c: 2\n  d: 1\n",
            id="inside of what is named there is an order",
        ),
        pytest.param(AB, "b:\na:   # empty\n", "a:   # empty\nb:\n", id="fields without a value"),
        pytest.param(AB, "b: 1\r\na: 2\r\n", "a: 2\r\nb: 1\r\n", id="line ends of Windows"),
        pytest.param(AB, "b: 1\na: 2", "a: 2\nb: 1\n", id="a line break at the end"),
        pytest.param(AB, "{b: 1, a: 2}\n", "{b: 1, a: 2}\n", id="a file that is no block stays"),
        pytest.param(AB, "---\nb: 1\na: 'é'\n", "---\na: 'é'\nb: 1\n", id="the mark of a document"),
    ],
)
def test_how_a_file_is_laid_out(rule, before, after):
    assert arranged(before, rule) == after
    assert arranged(after, rule) == after
    assert comments(before) == comments(after)


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3::2]))
def test_examples_say_the_same_afterwards(path):
    before = path.read_text(encoding="utf-8")
    rules = rules_of(path.relative_to(path.parents[1]).as_posix())
    after = arranged(before, rules)
    assert parse("x", after.encode()).data == parse("x", before.encode()).data
    assert comments(after) == comments(before)
    assert arranged(after, rules) == after


@given(manifests())
@examples(quick=30, full=5000)
def test_any_manifest_says_the_same_afterwards(resources):
    entries = [
        WrittenEntry(
            Address(kind, key),
            GeneratedManifest(document),
            KINDS[kind].schema.rules(),
            references=True,
        )
        for kind, found in resources.items()
        for key, document in found.items()
    ]
    before = manifest(entries)
    rules = rules_of("manifests/x.yaml")
    after = arranged(before, rules)
    assert parse("x", after.encode()).data == parse("x", before.encode()).data
    assert arranged(after, rules) == after
