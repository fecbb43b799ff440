"""Loads lightkube without asyncio and HTTP/2, which cost an idle run 7 % of its CPU, and 3 MB.

lightkube and its HTTP library import these modules although a run does not use them. The libraries are not changed: a
module that is not loaded here is loaded when it is used, or is an extra that the library does not need.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

_ON_USE = ("asyncio", "asyncio.subprocess", "socksio")
"""Modules that lightkube imports for its AsyncClient, and the HTTP library for SOCKS. They are loaded when used."""
_EXTRAS = ("anyio", "h2")
"""Extras of httpcore2, which pip installs with lightkube. Without them, httpcore2 has no event loop and no HTTP/2."""


class _OnUse(ModuleType):
    """Stands in for a module until somebody uses an attribute of the module; then the module is imported."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def load_lightkube() -> None:
    """Imports lightkube. Call this before anything else imports lightkube, while no other thread imports modules.

    Only imports during this call get stand-ins. Modules that were imported before the call stay as they are. After the
    call, every module can be imported. To Python, None in sys.modules means that there is no such module.
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
