"""``dataclass``, ``field`` and ``replace`` as in ``dataclasses``, for a tenth of the import time.

``dataclasses`` compiles up to six methods for each class while its module is imported. A short
command spent half of its time on that, for classes of which it makes few instances. Here, all
classes share the code of their methods, and ``__init__`` is compiled for the first instance.

A type checker sees the standard decorator. What reads classes (``dataclasses.fields``, ``asdict``,
``is_dataclass``) works on these ones, too.
"""

from __future__ import annotations

import operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn, TypeVar

    T = TypeVar("T")

_MISSING: Any = object()
_FIELDS = "__record_fields__"


class Field:
    """What ``field`` says about one field."""

    __slots__ = ("compare", "default", "default_factory", "init", "repr")

    def __init__(
        self,
        *,
        default: Any = _MISSING,
        default_factory: Any = _MISSING,
        init: bool = True,
        repr: bool = True,
        compare: bool = True,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare

    def standard(self) -> Any:
        """The same as a field of ``dataclasses``."""
        import dataclasses

        given = {name: getattr(self, name) for name in self.__slots__}
        return dataclasses.field(**{k: v for k, v in given.items() if v is not _MISSING})


class _StandardFields:
    """What ``dataclasses`` reads from a class, made when it is read first."""

    def __get__(self, instance: object, cls: Any) -> dict[str, Any]:
        import dataclasses

        fields = [
            (name, _annotation(cls, name), each.standard())
            for name, each in getattr(cls, _FIELDS).items()
        ]
        standard: Any = dataclasses.make_dataclass(cls.__name__, fields)
        made: dict[str, Any] = standard.__dataclass_fields__
        cls.__dataclass_fields__ = made
        return made


def _annotation(cls: type, name: str) -> Any:
    return next(b.__annotations__[name] for b in cls.__mro__ if name in _own_annotations(b))


def _own_annotations(cls: type) -> dict[str, Any]:
    # Other than `cls.__dict__["__annotations__"]`, this holds from Python 3.14 on, too.
    return cls.__annotations__ if cls is not object else {}


def _dataclass(
    cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, order: bool = False
) -> Any:
    if cls is None:
        return lambda decorated: _made(decorated, frozen, slots, order)
    return _made(cls, frozen, slots, order)


def _made(cls: type, frozen: bool, slots: bool, order: bool) -> type:
    """``cls`` with the methods that it does not define; a new class where it gets slots."""
    inherited = _inherited_fields(cls)
    own = {name: _field_of(cls, name) for name in _own_annotations(cls)}
    fields = inherited | own
    added = _methods(fields, frozen, slots, order) | {_FIELDS: fields}
    # A class that defines `__eq__` alone has got a `__hash__` of None by that.
    kept = {name for name in added if cls.__dict__.get(name) is not None}
    added = {name: value for name, value in added.items() if name not in kept}
    if slots:
        names = {*own, "__dict__", "__weakref__"}
        space = {name: value for name, value in cls.__dict__.items() if name not in names}
        slot_names = tuple(name for name in own if name not in inherited)
        qualified = cls.__qualname__
        cls = type(cls)(cls.__name__, cls.__bases__, space | added | {"__slots__": slot_names})
        cls.__qualname__ = qualified
    else:
        for name, value in added.items():
            setattr(cls, name, value)
        _set_plain_defaults(cls, own)
    if "__init__" not in cls.__dict__:
        _compile_on_first_use(cls, fields, frozen, slots)
    return cls


def _inherited_fields(cls: type) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for base in reversed(cls.__mro__[1:]):
        fields |= base.__dict__.get(_FIELDS, {})
    return fields


def _field_of(cls: type, name: str) -> Field:
    value = cls.__dict__.get(name, _MISSING)
    return value if isinstance(value, Field) else Field(default=value)


def _set_plain_defaults(cls: type, own: dict[str, Field]) -> None:
    for name, each in own.items():
        if each.default is not _MISSING:
            setattr(cls, name, each.default)
        elif name in cls.__dict__:
            delattr(cls, name)


def _methods(fields: dict[str, Field], frozen: bool, slots: bool, order: bool) -> dict[str, Any]:
    """Everything but ``__init__``."""
    values = _values_getter([name for name, each in fields.items() if each.compare])
    methods: dict[str, Any] = {
        "__dataclass_fields__": _StandardFields(),
        "__match_args__": tuple(name for name, each in fields.items() if each.init),
        "__repr__": _repr,
        "__eq__": _comparing(values, operator.eq),
        "__hash__": (lambda self: hash(values(self))) if frozen else None,
    }
    if order:
        pairs = {name: getattr(operator, name) for name in ("lt", "le", "gt", "ge")}
        methods |= {f"__{name}__": _comparing(values, compare) for name, compare in pairs.items()}
    if frozen:
        methods |= {"__setattr__": _refuse_assignment, "__delattr__": _refuse_deletion}
        if slots:
            methods |= {"__getstate__": _state, "__setstate__": _set_state}
    return methods


def _values_getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _comparing(
    values: Callable[[Any], tuple[Any, ...]], compare: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    def compared(self: object, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compare(values(self), values(other))

    return compared


def _repr(self: Any) -> str:
    fields: dict[str, Field] = getattr(self, _FIELDS)
    shown = (f"{name}={getattr(self, name)!r}" for name, each in fields.items() if each.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_assignment(self: object, name: str, value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(self: object, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: object) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _FIELDS)]


def _set_state(self: object, state: list[Any]) -> None:
    for name, value in zip(getattr(self, _FIELDS), state, strict=True):
        object.__setattr__(self, name, value)


def _compile_on_first_use(cls: type, fields: dict[str, Field], frozen: bool, slots: bool) -> None:
    def __init__(self: object, *arguments: object, **named: object) -> None:
        compiled = _compiled_init(cls, fields, frozen, slots)
        cls.__init__ = compiled  # type: ignore[misc]
        compiled(self, *arguments, **named)

    cls.__init__ = __init__  # type: ignore[misc]


def _compiled_init(cls: type, fields: dict[str, Field], frozen: bool, slots: bool) -> Any:
    space: dict[str, Any] = {"_MISSING": _MISSING, "_set": object.__setattr__}
    for name, each in fields.items():
        space[f"_default_{name}"] = each.default
        space[f"_make_{name}"] = each.default_factory
        if frozen and slots:
            # A third of the time that `object.__setattr__` takes.
            space[f"_set_{name}"] = getattr(cls, name).__set__
    exec("\n".join(_init_lines(cls, fields, frozen, slots)), space)
    compiled = space["__init__"]
    compiled.__qualname__ = f"{cls.__qualname__}.__init__"
    return compiled


def _init_lines(cls: type, fields: dict[str, Field], frozen: bool, slots: bool) -> Iterator[str]:
    form = "self.{0} = {1}"
    if frozen:
        form = "_set_{0}(self, {1})" if slots else "_set(self, {0!r}, {1})"
    parameters = [_parameter(name, each) for name, each in fields.items() if each.init]
    yield f"def __init__({', '.join(['self', *parameters])}):"
    for name, each in fields.items():
        value = _value_of(name, each)
        if value:
            yield "  " + form.format(name, value)
    yield "  self.__post_init__()" if hasattr(cls, "__post_init__") else "  pass"


def _parameter(name: str, each: Field) -> str:
    if each.default_factory is not _MISSING:
        return f"{name}=_MISSING"
    return name if each.default is _MISSING else f"{name}=_default_{name}"


def _value_of(name: str, each: Field) -> str:
    """The expression that ``__init__`` sets the field to; empty if it leaves the field alone."""
    if each.default_factory is not _MISSING:
        made = f"_make_{name}()"
        return f"{made} if {name} is _MISSING else {name}" if each.init else made
    if each.init:
        return name
    return "" if each.default is _MISSING else f"_default_{name}"


def _replace(instance: T, /, **changes: Any) -> T:
    fields: dict[str, Field] = getattr(instance, _FIELDS)
    for name, each in fields.items():
        if each.init and name not in changes:
            changes[name] = getattr(instance, name)
    return instance.__class__(**changes)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    dataclass, field, replace = _dataclass, Field, _replace
