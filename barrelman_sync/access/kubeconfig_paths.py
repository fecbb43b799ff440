"""Where kubeconfigs are."""

import os
from pathlib import Path

_IN_HOME = "~/.kube/config"


def default_paths() -> list[Path]:
    """The files that KUBECONFIG names, each once, or the one in the home folder."""
    names = [name.strip() for name in os.environ.get("KUBECONFIG", "").split(os.pathsep)]
    return [*dict.fromkeys(expanded(name) for name in names if name)] or [expanded(_IN_HOME)]


def expanded(name: str) -> Path:
    """The path, with a `~` at its beginning replaced by the home folder if there is one."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser fails for a user without a home
