"""The notes of a save: facts about a new file that people would miss later."""

from __future__ import annotations

import re
import sys
import types
from typing import TYPE_CHECKING, Any

from appsnap import code
from appsnap.printable import escaped, plural
from appsnap.recipe.carried import carried_code, code_facts
from appsnap.recipe.freeze import addresses
from appsnap.recipe.freeze.cloudpickled import NeedsModule, is_script
from appsnap.recipe.outline import Outline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from appsnap.recipe.carried import CarriedCode
    from appsnap.recipe.freeze.untouched import Taken
    from appsnap.recipe.steps import Recipe

__all__ = ["Notes"]

_MOST_PATHS = 3


class Notes:
    """Collects the facts of one save. Without `code`, functions and classes by value are refused.

    `recipe` reads what was written. It is called only if there is something to tell. It may return None.

    In a forked child, `asks` is false: objects that must be asked before a fork are in `taken`, and the addresses of
    others go into `unasked`.
    """

    def __init__(self, *, code: bool = True) -> None:
        self.code = code
        self.recipe: Callable[[], Recipe | None] = lambda: None
        self.taken: dict[int, Taken] = {}  # by id: objects that their own methods have taken apart
        self.asks = True
        self.unasked: dict[int, None] = {}
        self._by_value: dict[int, Any] = {}
        self._loggers: dict[str, int] = {}
        self._numbers: set[int] = set()  # those that are the ids of objects
        self._ids: list[int] = []  # of the objects that were taken apart

    def begin(self) -> None:
        """Forget everything but `taken`: a save may walk over its objects several times."""
        self._by_value.clear()
        self._loggers.clear()
        self._numbers.clear()
        self._ids.clear()

    def by_value(self, obj: Any) -> None:
        """Note a function or class that is saved by value. Raises NeedsModule if that isn't allowed."""
        if not self.code:
            raise NeedsModule(
                f"the {'class' if _is_class(obj) else 'function'} {obj.__qualname__} of {_place_of(obj)} "
                "can be saved only as code, which this save refuses",
                _way_on(obj, 1),
                obj,
            )
        self._by_value[id(obj)] = obj

    def logger(self, logger: Any) -> None:
        """Note a logger, which is saved by its name, if it has handlers."""
        if logger.handlers:
            self._loggers[logger.name] = len(logger.handlers)

    def walked(self, operands: Mapping[int, Any], kept: Iterable[Any]) -> None:  # noqa: ARG002 - for inventories
        """Note the operands of the objects in a recipe, by id. `kept` has these objects, and others."""
        self._ids = [*operands]

    def numbers(self, numbers: set[int]) -> None:
        """Note integers that are ids of objects."""
        self._numbers = numbers

    def refuse(self, made: Any) -> Any:
        """Raise NeedsModule for a code object."""
        raise NeedsModule(
            f"the code {made.co_qualname} is code, which this save refuses",
            "keep the function, and put it into a module",
        )

    def lines(self) -> Iterator[str]:
        """Yield the notes, a line each."""
        groups: dict[str, list[Any]] = {}
        classes = {(obj.__module__, obj.__qualname__) for obj in self._by_value.values() if _is_class(obj)}
        # A decorator may have made a second class of the same statement.
        found = {
            (obj.__module__, obj.__qualname__) if _is_class(obj) else id(obj): obj for obj in self._by_value.values()
        }
        for obj in found.values():
            if not _belongs_to(obj, classes):
                groups.setdefault(_place_of(obj), []).append(obj)
        # A library that makes a class puts functions of its own into it.
        groups = {place: objects for place, objects in groups.items() if _is_of_user(place, objects)} or groups
        if groups:
            recipe = self.recipe()
            carried = [] if recipe is None else carried_code(recipe, Outline(recipe))
            for place, objects in groups.items():
                mine = [one for one in carried if len(groups) == 1 or _base_name(one.filename) == place]
                yield escaped(_line(place, objects, mine))
        yield from self._addresses()
        for name, count in self._loggers.items():
            handlers = plural(count, "handler")
            yield escaped(f"the logger {name} is saved by its name, without its {handlers}; set it up where you load")

    def _addresses(self) -> Iterator[str]:
        recipe = self.recipe() if self._numbers or self._ids else None
        if recipe is not None:
            numbers = self._numbers or addresses.in_recipe(recipe, self._ids)
            paths = [*dict.fromkeys(addresses.places_of(recipe, numbers))] if numbers else []
            if paths:
                more = ", …" if len(paths) > _MOST_PATHS else ""
                shown = ", ".join(paths[:_MOST_PATHS])
                yield escaped(
                    f"{shown}{more}: the id() of an object, which it has no more after a load; keep the object"
                )


def _is_class(obj: Any) -> bool:
    return issubclass(type(obj), type)


def _belongs_to(obj: Any, classes: set[tuple[str, str]]) -> bool:
    """Tell whether an object was made with a class: a method, an inner class, or generated by `dataclasses`."""
    owner, _, name = obj.__qualname__.rpartition(".")
    while owner:
        if (obj.__module__, owner) in classes:
            return True
        owner, _, name = owner.rpartition(".")
        if name == "<locals>":
            break
    return str(obj.__qualname__).startswith("__create_fn__.")


def _is_of_user(place: str, objects: list[Any]) -> bool:
    module = str(objects[0].__module__)
    return is_script(module) or (module in sys.modules and place.partition(".")[0] not in sys.stdlib_module_names)


def _place_of(obj: Any) -> str:
    """Return the file of a script, or the name of a module."""
    module = str(obj.__module__)
    if not is_script(module):
        return module
    made = code.statement_of(obj) if _is_class(obj) else None
    file = made.text.filename if made is not None else getattr(sys.modules.get(module), "__file__", None)
    if type(obj) is types.FunctionType:
        file = obj.__code__.co_filename  # a load may have made it: then its script is no module here
        file = None if file.startswith("<") else file
    return _base_name(file) if isinstance(file, str) else "this session"


def _base_name(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]


def _way_on(obj: Any, count: int) -> str:
    them = "it" if count == 1 else "them"
    if is_script(obj.__module__):
        return f"put {them} into a module to have {them} by name"
    return f"define {them} by name at the top level of a module to have {them} by name"


def _line(place: str, objects: list[Any], carried: list[CarriedCode]) -> str:
    classes = sum(map(_is_class, objects))
    counts = ((classes, "class"), (len(objects) - classes, "function"))
    words = [plural(count, noun).replace("classs", "classes") for count, noun in counts if count]
    paths = _paths(carried)
    more = ", …" if len(paths) > _MOST_PATHS else ""
    shown = f" ({', '.join(paths[:_MOST_PATHS])}{more})" if paths else ""
    has_text = any(one.source and _base_name(one.filename) == place for one in carried)
    text = f", with the text of {place}" if has_text else ""
    only = "".join(f", {fact.removeprefix('code ')}" for fact in code_facts(carried))
    is_ = "is" if len(objects) == 1 else "are"
    return (
        f"{' and '.join(words)} of {place} {is_} saved as code{shown}{text}{only}; {_way_on(objects[0], len(objects))}"
    )


def _paths(carried: Iterable[CarriedCode]) -> list[str]:
    """Return the paths of the objects that have the code. Code within other code isn't among them."""
    whole = [_OF_CODE.sub("", one.path) for one in carried if not one.path.startswith("<")]
    inside = {path for path in whole for other in whole if path != other and path.startswith(other)}
    return [
        *dict.fromkeys(
            _LAST_LABELS.sub("", path.partition(".__getstate__()")[0]) for path in whole if path not in inside
        )
    ]


_OF_CODE = re.compile(r" argument 0\Z")
_LAST_LABELS = re.compile(r"(?: argument [0-9]+| made by|\.__class__|\.__self__)+\Z")
"""The labels that lead from an object to its code."""
