"""Options of a command from the fields of a dataclass, and an instance of that from their values.

The name of a field, with dashes, is that of its option. `field(metadata={"help": …})` is its help. A field without a
default is required. These types can be given: `str`, `int`, `float`, `bool` as `--x/--no-x`, `Path`, an `Enum` by its
values, a `Literal`, `list[T]` and `tuple[T, ...]` by repeating the option, and all of these with `| None`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appsnap.printable import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["given", "instance", "parameters"]

_SIMPLE: dict[object, click.ParamType[Any]] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    bool: click.BOOL,
    Path: click.Path(path_type=Path),
}


def parameters(cls: type) -> Sequence[click.Option]:
    """Return an option for each field of a dataclass. Raises TypeError for a field that no option can give."""
    options = [_Option(field, kind) for field, kind in _fields(cls)]
    taken = {"--help": "the option that shows this help", "-h": ""}
    for option in options:
        for word in [*option.opts, *option.secondary_opts]:
            if word in taken:
                raise TypeError(f"field {option.name}: its option {word} is that of {taken[word]}")
            taken[word] = f"field {option.name}"
    return options


def instance(cls: type, values: Mapping[str, Any]) -> Any:
    """Return an instance of a dataclass from the values that its options have.

    An option that wasn't given leaves its field at the default. Relative paths, also of defaults, become absolute: the
    application may run in another folder. Raises UsageError with the words of a ValueError from `__post_init__`, and
    any other error of it as it is.
    """
    given = {}
    for field, kind in _fields(cls):
        value = values[field.name]
        if value is None or value == ():
            if kind.item is not Path:
                continue
            value = _default(field)
        elif kind.collection is not None:
            value = kind.collection(value)
        given[field.name] = _absolute(value)
    try:
        return cls(**given)
    except ValueError as error:
        raise click.UsageError(str(error) or type(error).__name__, click.get_current_context(silent=True)) from error


def given(cls: type, values: Mapping[str, Any]) -> list[str]:
    """Return the values that were given in a fixed form: `name=value` in the order of the fields, paths absolute."""
    return [
        f"{field.name}={_text(_absolute(one))}"
        for field, kind in _fields(cls)
        if (value := values[field.name]) is not None
        for one in (value if kind.collection else [value])
    ]


def _text(value: object) -> str:
    """Return the text that gives a value on the command line. A list has commas."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, enum.Enum):
        # A value that nobody could type is given by the name of its member.
        return _text(value.value) if isinstance(value.value, str | int | float) else value.name
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """The type of a field: the type of its items, the type for click, and the collection of an option that repeats."""

    item: object
    click_type: click.ParamType[Any]
    collection: Callable[[Iterable[Any]], Sequence[Any]] | None


def _fields(cls: type) -> Iterable[tuple[dataclasses.Field[Any], _Kind]]:
    try:
        hints = typing.get_type_hints(cls)
    except Exception as error:
        missing = getattr(error, "name", None)
        where = [field.name for field in dataclasses.fields(cls) if missing and missing in str(field.type)]
        place = f"field {where[0]}" if where else f"the fields of {cls.__qualname__}"
        raise TypeError(f"{place}: the type can't be told: {in_words(error)}") from error
    for name, hint in hints.items():
        if isinstance(hint, dataclasses.InitVar) and not hasattr(cls, name):
            raise TypeError(f"field {name}: no option can give an InitVar")
    for field in dataclasses.fields(cls):
        if field.init:
            kind = _kind(hints[field.name])
            if kind is None:
                written = field.type if isinstance(field.type, str) else _named(hints[field.name])
                raise TypeError(f"field {field.name}: no option can give {written}")
            yield field, kind


def _named(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _kind(hint: Any) -> _Kind | None:
    """Return the type of a field, or None if no option can give it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        others = [one for one in arguments if one is not types.NoneType]
        return _kind(others[0]) if len(others) == 1 else None
    if (origin is list and len(arguments) == 1) or (origin is tuple and arguments[1:] == (...,)):
        item = _kind(arguments[0])
        return None if item is None or item.collection else dataclasses.replace(item, collection=origin)
    if origin is typing.Literal:
        choice = _OneOf.of(one for one in arguments if one is not None)
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        choice = _OneOf.of(hint)
    else:
        return _Kind(hint, _SIMPLE[hint], None) if hint in _SIMPLE else None
    return None if choice is None else _Kind(hint, choice, None)


class _OneOf(click.Choice[str]):
    """A choice among texts, each of which stands for a value."""

    @classmethod
    def of(cls, values: Iterable[object]) -> _OneOf | None:
        """Return the choice among values, or None if there are none, or two that have one text."""
        pairs = [(_text(value), value) for value in values]
        by_text = dict(pairs)
        return cls(by_text) if 0 < len(pairs) == len(by_text) else None

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__([*values])
        self.values = values

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self.values[super().convert(value, param, ctx)]


class _Option(click.Option):
    """The option of a field. click knows no default: the dataclass has it."""

    def __init__(self, field: dataclasses.Field[Any], kind: _Kind) -> None:
        word = field.name.strip("_").replace("_", "-")
        is_required = field.default is field.default_factory  # both are missing
        # Without it, a flag that isn't given would be False.
        default: dict[str, Any] = {} if is_required else {"default": None}
        prefixes = ("", "no-") if kind.item is bool and kind.collection is None else ("",)
        super().__init__(
            ["/".join(f"--{prefix}{word}" for prefix in prefixes), field.name],
            type=kind.click_type,
            multiple=kind.collection is not None,
            required=is_required,
            help=str(field.metadata.get("help", "")),
            **default,
        )
        self.field = field

    def get_help_extra(self, ctx: click.Context) -> Any:
        extra = super().get_help_extra(ctx)
        # A factory may need something that is there only when the option is used.
        with contextlib.suppress(Exception):
            if (default := _default(self.field)) is not None and (text := _text(default)):
                words = self.opts if default is True else self.secondary_opts if default is False else [text]
                extra["default"] = words[0].removeprefix("--")
        return extra


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _absolute(value: Any) -> Any:
    if isinstance(value, Path):
        return value.absolute()
    return type(value)(map(_absolute, value)) if type(value) in (list, tuple) else value
