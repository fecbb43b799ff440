"""Loads lightkube without its asynchronous half and HTTP/2, which cost an idle run 7 % of its CPU, and 3 MB.

lightkube and its HTTP library import at their top what a run has no use for. Nothing of them is changed: what is not
loaded here is loaded when it is used, or is an extra that the library does without.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

_ON_USE = ("asyncio", "asyncio.subprocess")
"""Imported by lightkube for its AsyncClient."""
_EXTRAS = ("anyio", "h2")
"""Extras of httpcore2, which every user of lightkube has. Without them it offers no event loop and no HTTP/2."""


class _OnUse(ModuleType):
    """Stands for a module, which is imported when somebody wants something of it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def load_lightkube() -> None:
    """Imports lightkube; to be called before anything else does, while no other thread imports.

    What somebody has imported before is left as it is, and all can be imported afterwards: only those who import while
    this goes on see stand-ins. None in sys.modules is Python's own word for a module that is not there.
    """
    modules: dict[str, Any] = sys.modules
    others = {**{name: _OnUse(name) for name in _ON_USE}, **dict.fromkeys(_EXTRAS)}
    others = {name: other for name, other in others.items() if name not in modules}
    modules.update(others)
    try:
        importlib.import_module("lightkube")
        importlib.import_module("httpcore2")
    finally:
        for name, other in others.items():
            if modules.get(name, other) is other:
                modules.pop(name, None)
