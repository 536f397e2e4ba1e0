"""How annotations are checked while the tests run: by beartype alone, where no shape of an array stands in them.

jaxtyping binds the arguments of each call, checks them, and checks them once more with what is returned, so that a name
in a shape stands for one length throughout. Where there is no shape there is no such name: the one check says the same,
at a tenth of what it costs to make and to ask.
"""

import functools
import inspect
from typing import Any, get_args

from jaxtyping import AbstractArray, _decorator
from jaxtyping._storage import pop_shape_memo, push_shape_memo

_in_full = _decorator.jaxtyped


def _may_have_shape(annotation):
    """Whether a shape stands anywhere in it; what a name in quotes means is known later only."""
    if isinstance(annotation, str):
        return True
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    parts = annotation if isinstance(annotation, (list, tuple)) else get_args(annotation)
    return any(map(_may_have_shape, parts))


def _is_checked_at_once(what):
    return (
        inspect.isfunction(what)
        # What beartype makes of one is one more frame for each thing that it yields.
        and not inspect.isgeneratorfunction(what)
        and not any(map(_may_have_shape, what.__annotations__.values()))
    )


def _checked_at_once(what, typechecker):
    checked = typechecker(what)

    @functools.wraps(what)
    def called(*args, **named):
        __tracebackhide__ = True
        # Whoever compares an array with a shape by itself begins anew: a caller's names mean nothing here.
        push_shape_memo({})
        try:
            return checked(*args, **named)
        finally:
            pop_shape_memo()

    return called


def _jaxtyped(what: Any = _decorator._sentinel, *, typechecker: Any = _decorator._sentinel) -> Any:
    """As jaxtyping's own, which comes back here with the functions of classes, of methods and of properties."""
    if callable(typechecker) and _is_checked_at_once(what):
        return _checked_at_once(what, typechecker)
    return _in_full(what, typechecker=typechecker)


def check_quickly():
    """Before anything is imported that is checked: what jaxtyping writes there looks this name up."""
    setattr(_decorator, "jaxtyped", _jaxtyped)  # noqa: B010
