"""What a pickle holds, read as a listing of its operations: nothing is imported, nothing is called.

A pickle is a program, and its objects are made by running it. Here the operations are listed by
:mod:`pickletools`, and a stack of plain Python values is kept beside the listing: where a pickle
would import a name or call something, only a note of it is put on the stack.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from defectra.core.errors import DataError

_MOST = 50_000_000  # operations; a listing ends


@dataclass
class Noted:
    """An object that a pickle would have made.

    Attributes
    ----------
    name
        Module and name, e.g. ``numpy dtype``.
    arguments
        With which it would have been called.
    state
        What it would have been given afterwards.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


@dataclass
class _Listing:
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def since_mark(self) -> list[Any]:
        """Values above the last mark, taken off."""
        start = self.marks.pop()
        found = self.stack[start:]
        del self.stack[start:]
        return found

    def pop(self, count: int) -> list[Any]:
        """The last `count` values, taken off."""
        if len(self.stack) < count:
            raise IndexError
        found = self.stack[-count:]
        del self.stack[-count:]
        return found


def _call(listing: _Listing, _: Any) -> None:
    what, arguments = listing.pop(2)
    if not isinstance(what, Noted):
        raise TypeError
    listing.stack.append(Noted(what.name, tuple(arguments)))


def _build(listing: _Listing, _: Any) -> None:
    (state,) = listing.pop(1)
    if not isinstance(listing.stack[-1], Noted):
        raise TypeError
    listing.stack[-1].state = state


def _items(listing: _Listing, _: Any) -> None:
    found = listing.since_mark()
    listing.stack[-1].update(zip(found[::2], found[1::2], strict=True))


def _item(listing: _Listing, _: Any) -> None:
    key, value = listing.pop(2)
    listing.stack[-1][key] = value


def _one(listing: _Listing, _: Any) -> None:
    (found,) = listing.pop(1)
    listing.stack[-1].append(found)


def _append(listing: _Listing, _: Any) -> None:
    found = listing.since_mark()
    listing.stack[-1].extend(found)


def _tuple(count: int) -> Callable[[_Listing, Any], None]:
    def step(listing: _Listing, _: Any) -> None:
        listing.stack.append(tuple(listing.pop(count)) if count else ())

    return step


def _push(listing: _Listing, value: Any) -> None:
    listing.stack.append(value)


def _constant(make: Callable[[], Any]) -> Callable[[_Listing, Any], None]:
    return lambda listing, _: listing.stack.append(make())


_STEPS: dict[str, Callable[[_Listing, Any], None]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1", "BINUNICODE"), _push),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"), _push),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_DICT": _constant(dict),
    "EMPTY_LIST": _constant(list),
    "EMPTY_TUPLE": _tuple(0),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": lambda listing, _: listing.stack.append(tuple(listing.since_mark())),
    "MARK": lambda listing, _: listing.marks.append(len(listing.stack)),
    "GLOBAL": lambda listing, name: listing.stack.append(Noted(name)),
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
    "SETITEMS": _items,
    "SETITEM": _item,
    "APPENDS": _append,
    "APPEND": _one,
    "BINGET": lambda listing, k: listing.stack.append(listing.memo[k]),
    "LONG_BINGET": lambda listing, k: listing.stack.append(listing.memo[k]),
    "BINPUT": lambda listing, k: listing.memo.update({k: listing.stack[-1]}),
    "LONG_BINPUT": lambda listing, k: listing.memo.update({k: listing.stack[-1]}),
    "PROTO": lambda *_: None,
}  # fmt: skip


def listed(data: bytes, where: str) -> Any:
    """The value at the end of the listing; objects are :class:`Noted`.

    Raises
    ------
    DataError
        If it holds an operation that is not known here, or is damaged.
    """
    listing = _Listing()
    try:
        for number, (operation, argument, _) in enumerate(pickletools.genops(data)):
            if operation.name == "STOP":
                (found,) = listing.pop(1)
                return found
            if operation.name not in _STEPS or number > _MOST:
                raise DataError(f"{where}: operation {operation.name} of a pickle is not read here")
            _STEPS[operation.name](listing, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise DataError(f"{where}: no pickle, or a damaged one ({error})") from None
    raise DataError(f"{where}: the pickle does not end")
