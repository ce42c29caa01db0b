"""The walk from objects to a recipe, in pickle's own order.

One generator takes apart one container or object: it yields each part, and is sent the operand of that part. One loop
drives all generators, so nothing recurses. A builtin container is made after its items. If its own items lead back to
it, it is made empty at that moment and filled at the end.

`FastWalk` takes apart the ordinary objects, a few levels at a time. It appends the same steps as the generators.
"""

from __future__ import annotations

import copyreg
import importlib
import pickle
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from appsnap import actions, running, states
from appsnap.errors import CannotSave, Place
from appsnap.gc_pause import gc_paused
from appsnap.recipe import steps
from appsnap.recipe.builder import RecipeBuilder
from appsnap.recipe.freeze.attributes import needs_attributes
from appsnap.recipe.freeze.cloudpickled import refuse_script
from appsnap.recipe.freeze.fast import ABSENT, LEVELS, FastWalk
from appsnap.recipe.freeze.order import Order
from appsnap.recipe.freeze.places import describe
from appsnap.recipe.freeze.rules import Rules, arguments_of_newobj_ex, newobj, newobj_ex, standard_reduction
from appsnap.recipe.steps import NameOrOperand, Recipe, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from appsnap.recipe.freeze.notes import Notes

    T = TypeVar("T")
    Parts = Generator[tuple[Any, str, Any], NameOrOperand, T]  # yields a part, and the form and the key of its label
    Frame = Parts[NameOrOperand]

__all__ = ["Walk", "freeze"]

_BY_NAME = frozenset({type, types.FunctionType, types.BuiltinFunctionType})
_SET_REDUCTIONS = (set.__reduce__, frozenset.__reduce__)
_FRAMES = 15 * LEVELS
"""The frames of the fast walk, at most."""

_RETURNS = 20
"""How often the arguments of an object may lead back to it before it is made. Real objects need one or two."""


@gc_paused
def freeze(obj: Any, *, root: str = "object", notes: Notes | None = None, runs: bool = False) -> Recipe:
    """Return the recipe of an object graph. Paths begin with `root`. `notes` collects the facts to tell.

    With `runs`, the recipe has runs for objects of one shape.

    Raises CannotSave, with a place for each object in the graph that can't be saved.
    """
    with running.saving(obj), Rules(notes) as rules:
        recipe = _recipe_of(obj, root, rules, runs=runs)
        if rules.need_another_walk:
            with Rules(rules.notes, rules) as again:
                recipe = _recipe_of(obj, root, again, runs=runs)
    return recipe


def _recipe_of(obj: Any, root: str, rules: Rules, *, runs: bool) -> Recipe:
    try:
        return Walk(root, fast=True, rules=rules, runs=runs).freeze(obj)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        if runs and (isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError)):
            recipe = _deeper(obj, root, rules)
            if recipe is not None:
                return recipe
        # The slow walk meets the same error again, and knows its path.
        recipe = Walk(root, fast=False, rules=rules).freeze(obj)
        if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
            return recipe
        if isinstance(error, CannotSave):
            raise
        # The second walk met no error: an object reduced itself in another way, and may have lost items (an iterator).
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        hint = "an object in it reduces itself in another way each time: let its __reduce__ return the same every time"
        place = Place(root, type(obj).__qualname__, reason, hint)
        raise CannotSave([place]) from error


def _deeper(obj: Any, root: str, rules: Rules) -> Recipe | None:
    """Return the recipe of objects that are saved by a caller near the limit of recursion, if that was the reason.

    The slow walk makes no runs. The recipe must not depend on the caller.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _FRAMES)
    try:
        return Walk(root, fast=True, rules=rules, runs=True).freeze(obj)
    except RecursionError:
        return None
    finally:
        sys.setrecursionlimit(limit)


class Walk:
    """One walk over an object graph. Without `fast` it leaves no object to `FastWalk`."""

    def __init__(self, root: str, *, fast: bool, rules: Rules | None = None, runs: bool = False) -> None:
        self._root = root
        self._builder = RecipeBuilder()
        self._rules = rules or Rules()
        self._rules.by_steps = True
        # By id: the operand, or None for a container whose items are being taken apart.
        self._memo: dict[int, NameOrOperand | None] = {}
        self._rules.referents.begin(self._memo)
        self._kept: list[Any] = []  # objects that only a reduction holds: their ids stay theirs
        self._returns: dict[int, int] = {}  # by id: how often the walk came back to an object that isn't made yet
        self._places: list[Place] = []
        self._blamed: dict[int, Any] = {}  # by id: the objects of those places
        self._first_error: BaseException | None = None
        self._path: list[tuple[str, Any, Any]] = []  # from the root to the current object: form, key, object
        self._containers: dict[type, Callable[[Any], Frame]] = {
            tuple: self._tuple,
            list: self._list,
            dict: self._dict,
            set: self._set,
            frozenset: self._frozenset,
        }
        self._fast = FastWalk(
            self._builder,
            self._memo,
            self._kept,
            self._reduction,
            self._run,
            rules=self._rules,
            path=self._path,
            levels=LEVELS if fast else 0,
            runs=runs,
        )

    def freeze(self, obj: Any) -> Recipe:
        """Return the recipe. To be called once."""
        self._order = Order(obj, self._reduction, self._memo)
        try:
            root = self._fast(obj)
            if root is ABSENT:
                root = self._run(obj)
            if self._places:
                raise CannotSave(self._places) from self._first_error
            self._rules.notes.walked(self._memo, self._kept)
            if not self._rules.referents.is_complete:
                self._rules.referents.end(set(self._memo))
            return self._builder.finish(root)
        finally:
            # The walk and its bound methods are a cycle. Until the collector runs it would keep all objects alive, and
            # Python 3.11 can't collect a PickleBuffer in a cycle.
            self._memo.clear()
            self._kept.clear()
            self.__dict__.clear()

    def _run(self, obj: Any, reduction: Any = ABSENT) -> NameOrOperand:
        """Take apart an object that has no operand yet, and return its operand.

        Drives the generators: the innermost one is sent the operand of a part, and yields the next part.
        """
        frames = [self._enter(obj) if reduction is ABSENT else self._from_reduction(obj, reduction)]
        path = self._path
        path.append(("", None, obj))
        result: Any = None
        while frames:
            try:
                child, form, key = frames[-1].send(result)
            except StopIteration as stop:
                result = stop.value
            except MemoryError:
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - __reduce_ex__ may raise anything; the walk goes on to find all places
                self._note(error)
                result = self._builder.make(steps.List(()))  # any will do: there is no recipe
            else:
                path.append((form, key, child))
                frames.append(self._enter(child))
                result = None
                continue
            frames.pop()
            path.pop()
        return result  # type: ignore[no-any-return]  # an operand

    def _enter(self, obj: Any) -> Frame:
        container = self._containers.get(type(obj))
        return self._object(obj) if container is None else container(obj)

    def _items(self, items: Iterable[Any], form: str = "[%d]") -> Parts[list[NameOrOperand]]:
        found: list[NameOrOperand] = []
        fast = self._fast
        for index, item in enumerate(items):
            operand = fast(item)
            found.append((yield item, form, index) if operand is ABSENT else operand)
        return found

    def _pairs(
        self, pairs: Iterable[tuple[Any, Any]], form: str = "[%r]"
    ) -> Parts[tuple[list[NameOrOperand], list[NameOrOperand]]]:
        keys: list[NameOrOperand] = []
        found: list[NameOrOperand] = []
        fast = self._fast
        for key, value in pairs:
            operand = fast(key)
            keys.append((yield key, ".keys()[%d]", len(keys)) if operand is ABSENT else operand)
            operand = fast(value)
            found.append((yield value, form, key) if operand is ABSENT else operand)
        return keys, found

    # Containers

    def _tuple(self, obj: tuple[Any, ...]) -> Frame:
        if not obj:
            return self._builder.make(steps.Tuple(()))  # has no identity of its own: each use makes one
        items = yield from self._items(obj)
        known = self._memo.get(id(obj))
        if known is not None:
            return known  # its items led back to it, and it was made there
        return self._keep(obj, self._builder.make(steps.Tuple(self._builder.operands(items))))

    def _frozenset(self, obj: frozenset[Any]) -> Frame:
        self._check_keys(obj)
        items = yield from self._items(self._order.sorted(obj), "{%d}")
        known = self._memo.get(id(obj))
        if known is not None:
            return known
        return self._keep(obj, self._builder.make(steps.FrozenSet(self._builder.operands(items))))

    def _list(self, obj: list[Any]) -> Frame:
        self._memo[id(obj)] = None
        items = yield from self._items(obj.copy())
        made = self._memo[id(obj)]
        if made is None:
            return self._keep(obj, self._builder.make(steps.List(self._builder.operands(items))))
        assert isinstance(made, Ref)
        self._builder.extend(made, items)
        return self._keep(obj, made)

    def _dict(self, obj: dict[Any, Any]) -> Frame:
        self._check_keys(obj)
        self._memo[id(obj)] = None
        keys, found = yield from self._pairs(list(obj.items()))
        made = self._memo[id(obj)]
        if made is None:
            return self._keep(obj, self._builder.dictionary(keys, found))
        assert isinstance(made, Ref)
        self._builder.update(made, keys, found)
        return self._keep(obj, made)

    def _set(self, obj: set[Any]) -> Frame:
        self._check_keys(obj)
        self._memo[id(obj)] = None
        items = yield from self._items(self._order.sorted(obj), "{%d}")
        made = self._memo[id(obj)]
        if made is None:
            return self._keep(obj, self._builder.make(steps.Set(self._builder.operands(items))))
        assert isinstance(made, Ref)
        self._builder.steps.append(steps.Add(made, self._builder.operands(items)))
        return self._keep(obj, made)

    def _keep(self, obj: Any, operand: NameOrOperand) -> NameOrOperand:
        self._memo[id(obj)] = operand
        self._kept.append(obj)
        return operand

    # Objects

    def _check_keys(self, keys: Iterable[Any]) -> None:
        if self._fast.columns is not None:
            self._fast.columns.check_keys(keys)

    def _reduction(self, obj: Any) -> Any:
        if self._fast.columns is not None:
            self._fast.columns.ask(obj)
        reduction = self._rules(obj)
        if reduction is not NotImplemented:
            return reduction
        if type(obj) in _BY_NAME or (issubclass(type(obj), type) and type(obj) not in copyreg.dispatch_table):
            return obj.__qualname__
        return standard_reduction(obj)

    def _object(self, obj: Any) -> Frame:
        cls = type(obj)
        if cls is bytes:
            return self._keep(obj, self._builder.make(steps.Value(obj)))
        if cls is bytearray:
            return self._keep(obj, self._builder.make(steps.ByteArray(obj)))
        if cls is pickle.PickleBuffer:
            return self._keep(obj, self._buffer(obj.raw()))
        return (yield from self._from_reduction(obj, self._reduction(obj)))

    def _buffer(self, raw: memoryview) -> NameOrOperand:
        if not raw.readonly:
            return self._builder.make(steps.ByteArray(raw))
        return raw.tobytes() if len(raw) <= steps.INLINE else self._builder.make(steps.Value(raw))

    def _from_reduction(self, obj: Any, reduction: Any) -> Frame:
        if self._fast.columns is not None:
            self._fast.columns.check(obj, reduction)
        if isinstance(reduction, str):
            return self._keep(obj, _name_of(obj, reduction))
        if not isinstance(reduction, tuple) or not 2 <= len(reduction) <= 6:
            raise pickle.PicklingError(f"__reduce__ must return a string or a tuple of 2 to 6, not {reduction!r:.60}")
        # `isinstance` would ask a weak proxy for the class of its referent, which may be dead.
        cls: Any = type(obj)
        if issubclass(cls, (set, frozenset)) and cls.__reduce__ in _SET_REDUCTIONS:
            reduction = self._in_order(*reduction)
        self._kept.append(reduction)
        return (yield from self._from_fields(obj, *reduction))

    def _in_order(self, function: Any, args: Any, state: Any = None, items: Any = None, *rest: Any) -> Any:
        """Return the reduction of a set, with its items in canonical order."""
        if items is not None:
            return function, args, state, iter(self._order.sorted(items)), *rest
        return function, (*args[:-1], self._order.sorted(args[-1])), state, items, *rest

    def _from_fields(  # noqa: PLR0917 - the fields of a reduction, in pickle's order
        self,
        obj: Any,
        function: Any,
        args: Any,
        state: Any = None,
        items: Any = None,
        pairs: Any = None,
        setter: Any = None,
    ) -> Frame:
        if not callable(function) or not isinstance(args, tuple) or not (setter is None or callable(setter)):
            raise pickle.PicklingError("__reduce__ must return a callable first, and a tuple of arguments second")
        if not all(part is None or isinstance(part, Iterator) for part in (items, pairs)):
            raise pickle.PicklingError("__reduce__ must return iterators, or None, fourth and fifth")
        builder = self._builder
        if function is newobj_ex:
            new_class, positional, keywords = arguments_of_newobj_ex(args)
            cls = yield new_class, ".__class__", None
            found = yield from self._items(positional, ".__new__ argument %d")
            _, named = yield from self._pairs(keywords.items(), ".__new__ argument %s")
            known = self._memo.get(id(obj))
            if known is not None:
                return known
            made: NameOrOperand = builder.new(cls, found, [*keywords], named)
        else:
            if function is newobj and args[:1] != (obj.__class__,):
                raise pickle.PicklingError("the first argument of __newobj__ must be the class of the object")
            named_args: dict[str, Any] = {}
            if function is actions.called:
                function, args, named_args = _with_keywords(*args)
            operand = self._fast(function)
            if operand is ABSENT:
                operand = yield function, " made by %s", states.label_of(function)
            self._returns[id(obj)] = depth = self._returns.get(id(obj), 0) + 1
            if depth > _RETURNS:
                self._keep(obj, False)  # any operand will do: it is reported once, and there is no recipe
                raise pickle.PicklingError("the arguments that it is made from contain the object itself")
            found = yield from self._items(args, " argument %d")
            _, named = yield from self._pairs(named_args.items(), " argument %s")
            self._returns.pop(id(obj), None)
            known = self._memo.get(id(obj))
            if known is not None:
                return known  # its arguments led back to it, and it was made there
            made = builder.call(operand, found, [*named_args], named)
        self._keep(obj, made)
        first = state is not None and not (items is pairs is None) and needs_attributes(type(obj))  # type: ignore[arg-type]  # classes are hashable
        if first:
            yield from self._state(obj, self._filled(made), state, setter)
        if items is not None:
            listed = yield from self._items(items, "{%d}" if isinstance(obj, set) else "[%d]")
            target = self._filled(made)
            if not isinstance(obj, set):
                builder.extend(target, listed)
            elif listed:
                builder.steps.append(steps.Add(target, builder.operands(listed)))
        if pairs is not None:
            keys, values = yield from self._pairs(pairs)
            builder.update(self._filled(made), keys, values)
        if state is not None and not first:
            yield from self._state(obj, self._filled(made), state, setter)
        return made

    @staticmethod
    def _filled(made: NameOrOperand) -> Ref:
        if not isinstance(made, Ref):
            raise pickle.PicklingError("__reduce__ gives a state to a thing that is saved by its name")
        return made

    def _state(self, obj: Any, target: Ref, state: Any, setter: Any) -> Parts[None]:
        ours = setter is actions.set_state
        # A __setstate__ may keep the dictionary itself, so for such a class the dictionary stays an object.
        assigned = ours or (setter is None and states.special(type(obj), "__setstate__") is None)
        if assigned and type(state) is dict and all(type(name) is str for name in state):
            found: list[NameOrOperand] = []
            for name, value in list(state.items()):
                operand = self._fast(value)
                found.append((yield value, ".%s", name) if operand is ABSENT else operand)
            self._builder.state(target, tuple(state), self._builder.operands(found))
            return
        operand = self._fast(state)
        if operand is ABSENT:
            operand = yield state, ".__getstate__()", None
        if setter is None or ours:
            self._builder.steps.append(steps.SetState(target, self._builder.operand(operand)))
        else:
            function = self._fast(setter)
            if function is ABSENT:
                function = yield setter, " state setter", None
            self._builder.call(function, [target, operand])

    def _note(self, error: BaseException) -> None:
        self._first_error = self._first_error or error
        culprit, place = describe(self._root, self._path, error)
        if id(culprit) not in self._blamed:
            self._blamed[id(culprit)] = culprit
            self._places.append(place)


def _with_keywords(function: Any, args: Any, keywords: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return the function and the arguments of a call with keywords. Raises PicklingError if they are none."""
    named = type(keywords) is dict and all(type(name) is str for name in keywords)
    if not callable(function) or not isinstance(args, tuple) or not named:
        raise pickle.PicklingError("a call with keywords takes a callable, a tuple, and a dictionary of keywords")
    return function, args, keywords


def _name_of(obj: Any, qualname: str) -> steps.Name:
    """Return the name of an object that pickle saves by name. Raises PicklingError if the name isn't its own."""
    module = pickle.whichmodule(obj, qualname)  # type: ignore[attr-defined]  # not in the stubs
    refuse_script(module, qualname)
    f"{module}.{qualname}".encode()  # raises UnicodeEncodeError for a lone surrogate
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise pickle.PicklingError(f"{module}.{qualname} can't be imported") from error
    if found is not obj:
        raise pickle.PicklingError(f"{module}.{qualname} is not this object")
    return steps.Name(module, qualname)
