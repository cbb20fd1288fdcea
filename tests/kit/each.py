"""One test over many values: what fails is gathered and reported as one list."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def each(name: str, values: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The test, called with every value under this name; for tests without fixtures that build the same renders.

    A fault in one wording is then one red test that names every language it is in. `parametrize` is for values that
    fail for reasons of their own.
    """
    kept = tuple(values)
    assert kept, f"no {name} to try"

    def over(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def tried(**others: Any) -> None:
            faults = [f"{name} {value}: {fault}" for value in kept if (fault := fault_of(test, others, name, value))]
            assert not faults, "\n".join(faults)

        signature = inspect.signature(test)
        left = [parameter for parameter in signature.parameters.values() if parameter.name != name]
        tried.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in left]
        )
        return tried

    return over


def fault_of(test: Callable[..., None], others: dict[str, Any], name: str, value: object) -> str:
    try:
        test(**others, **{name: value})
    except AssertionError as error:
        return str(error) or "an assertion without words"
    return ""
