"""The dataclasses of ``provisioner.records`` are those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
import types

import pytest

from provisioner import records

SOURCE = '''
from __future__ import annotations

@dataclass(frozen=True, slots=True)
class Point:
    """A place."""
    x: int
    y: int = 0
    names: list = field(default_factory=list, compare=False, repr=False)

@dataclass(frozen=True, slots=True)
class Deep(Point):
    y: int = 7
    z: Point | None = None

@dataclass(frozen=True, slots=True)
class One:
    value: float

@dataclass(frozen=True, slots=True)
class Nothing:
    pass

@dataclass(frozen=True)
class Open:
    x: int
    label: str = ""

@dataclass(frozen=True, slots=True, order=True)
class Ranked:
    rank: int
    name: str = field(default="", compare=False)

@dataclass(slots=True)
class Counter:
    count: int = 0
    steps: list = field(default_factory=list)

@dataclass
class Started:
    first: str
    made: str = field(init=False)
    kept: str = field(default="k", init=False)
    def __post_init__(self):
        self.made = self.first * 2

@dataclass(frozen=True, slots=True)
class OwnMethods:
    x: int
    y: int = 0
    def __eq__(self, other):
        return self.x == other.x
    def __repr__(self):
        return "own"

@dataclass(frozen=True, slots=True)
class OwnHash:
    x: list
    def __hash__(self):
        return 5
'''

# Expressions over the classes above; each gives the same value, or raises the same error.
EXPRESSIONS = [
    "",
    "Point(1)",
    'Point(1, 2, ["a"])',
    "Point(y=1, x=2)",
    "Point()",
    "Point(1, 2, [], 4)",
    "Point(1, x=2)",
    "Point(1, w=2)",
    "Point(1).names is Point(1).names",
    'Point(1) == Point(1, 0, ["other"])',
    "Point(1) == Point(2)",
    "Point(1) == Open(1)",
    "Point(1) == (1, 0, [])",
    "Point(1) != Point(1)",
    "Point(1) < Point(2)",
    'hash(Point(1)) == hash(Point(1, 0, ["other"]))',
    "len({Point(1), Point(1), Point(2)})",
    'setattr(Point(1), "x", 2)',
    'delattr(Point(1), "x")',
    "Point(1).other",
    "Point(1).__dict__",
    "Point.__doc__",
    "Point.__slots__",
    "Point.__match_args__",
    "Deep(1)",
    "Deep(1, 2, [], Point(3))",
    "Deep(1) == Point(1, 7)",
    "Deep.__slots__",
    "Deep.__match_args__",
    "isinstance(Deep(1), Point)",
    "One(1.5)",
    "one == one",
    "hash(One(1.5)) == hash(One(1.5))",
    "Nothing()",
    "Nothing() == Nothing()",
    "hash(Nothing()) == hash(Nothing())",
    "Open(1)",
    "Open.label",
    "Open.x",
    "Open(1).__dict__",
    'setattr(Open(1), "x", 2)',
    'sorted([Ranked(2), Ranked(1, "b")])',
    'Ranked(1) <= Ranked(1, "c")',
    "Ranked(1) > Ranked(2)",
    "Ranked(1) >= One(1)",
    "Counter()",
    "hash(Counter())",
    'setattr(Counter(), "count", 3)',
    'setattr(Counter(), "other", 3)',
    "Counter(1) == Counter(1, [])",
    'Started("a")',
    'Started("a", "b")',
    'Started("a").kept',
    "OwnMethods(1)",
    "OwnMethods(1) == OwnMethods(1, 2)",
    "hash(OwnMethods(1)) == hash(OwnMethods(1))",
    "hash(OwnHash([]))",
    "replace(Point(1), x=3)",
    "replace(Deep(1, 2, [], Point(3)), z=None)",
    "replace(Point(1), w=3)",
    'replace(Started("a"), first="b")',
    "dataclasses.replace(Point(1), y=4)",
    "dataclasses.asdict(Deep(1, 2, [], Point(3)))",
    "[(each.name, each.type, each.compare) for each in dataclasses.fields(Deep)]",
    "dataclasses.is_dataclass(Point)",
    'copy.deepcopy(Deep(1, 2, ["a"], Point(3)))',
    "copy.copy(Counter(2, [1]))",
    'pickle.loads(pickle.dumps(Point(1, 2, ["a"])))',
    "pickle.loads(pickle.dumps(Open(1)))",
    "matched(Point(1, 2))",
    "",
][1:-1]


def space(source: object) -> dict[str, object]:
    """The classes of ``SOURCE`` made by the decorator of ``source``."""
    module = types.ModuleType("sample")
    sys.modules["sample"] = module
    names = {name: getattr(source, name) for name in ("dataclass", "field", "replace")}
    vars(module).update(names, copy=copy, pickle=pickle, dataclasses=dataclasses)
    exec(SOURCE, vars(module))
    nan = vars(module)["One"](float("nan"))
    vars(module).update(one=nan, matched=matched)
    return vars(module)


def matched(point: object) -> object:
    match point:
        case object(x=x, y=2):
            return x
    return None


def outcome(source: object, expression: str) -> str:
    try:
        return repr(eval(expression, space(source)))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        del sys.modules["sample"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_classes_are_those_of_the_standard_library(expression: str) -> None:
    assert outcome(records, expression) == outcome(dataclasses, expression)


def test_no_method_is_compiled_before_the_first_instance() -> None:
    classes = space(records)
    point = classes["Point"]
    assert isinstance(point, type)
    code_of_all = point.__init__.__code__  # type: ignore[misc]
    assert code_of_all is classes["Open"].__init__.__code__  # type: ignore[attr-defined]
    point(1)
    assert point.__init__.__code__ is not code_of_all  # type: ignore[misc]
