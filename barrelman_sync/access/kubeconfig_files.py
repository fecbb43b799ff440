"""Which kubeconfig counts, what is in it, and the sections that a context names."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from barrelman_sync.access.kubeconfig_checks import Section, given
from barrelman_sync.access.kubeconfig_paths import default_paths, expanded
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.escape import one_line
from barrelman_sync.model.settings import Kubeconfig

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
"""What PyYAML has in quotes, as Python writes texts."""
_OF_PYYAML = re.compile(r"'(?:.{1,2}|<[a-z -]+>)'")
"""Of these, its own words, such as `'<block end>'` and `','`. The others are from the file, such as an alias."""


class Chosen(NamedTuple):
    """The sections that a context names, without their empty fields."""

    context: str
    cluster: Section
    user: Section
    user_name: str
    path: Path
    where: str
    """The option and the file, for messages."""


def choose(target: Kubeconfig, side: str) -> Chosen:
    """The sections of the context that the options name; `side` is local or remote. Raises ConfigurationError."""
    if target.path:
        path = expanded(target.path)
        return _chosen(path, target.context, f"'--{side}-kubeconfig' {path}", side)
    paths = default_paths()
    if len(paths) == 1:
        return _chosen(paths[0], target.context, f"'--{side}-context' in {paths[0]}", side)
    return _first_with(target.context, paths, side)


def explain(error: Exception) -> str:
    """What is wrong with a file that was read, or with a file that it needs."""
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} not found"
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return str(error)


def _chosen(path: Path, context: str | None, where: str, side: str) -> Chosen:
    try:
        document = _load(path)
        if not document:
            message = "is empty"
            raise ValueError(message)  # noqa: TRY301 - one handler for all that can be wrong
        return _select(document, context, path, side)._replace(where=where)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{where}: {explain(error)}") from error


def _first_with(context: str | None, paths: list[Path], side: str) -> Chosen:
    """From the first file that has the context with its cluster and user. As with kubectl, a file may be missing."""
    if not context:
        message = (
            f"KUBECONFIG names {len(paths)} files: choose a context with '--{side}-context', or a file with"
            f" '--{side}-kubeconfig'."
        )
        raise ConfigurationError(message)
    reasons = []
    for path in paths:
        where = f"'--{side}-context' in {path}"
        try:
            document = _load(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{where}: {explain(error)}") from error
        try:
            return _select(document, context, path, side)._replace(where=where)
        except ValueError as error:
            reasons.append(f"{path} {error}")
    found = "; ".join(reasons) or "none of them exists"
    message = (
        f"'--{side}-context' {context}: no file in KUBECONFIG has this context with its cluster and user: {found}."
    )
    raise ConfigurationError(message)


def _load(path: Path) -> Section:
    """What a file holds. One without anything, such as /dev/null, is like one without a context."""
    content = path.read_bytes()
    try:
        document = _as_json(content) or next(yaml.safe_load_all(content), None)
    except yaml.YAMLError as error:
        message = f"is not YAML: {_yaml_problem(error)}"
        raise ValueError(message) from error
    except RecursionError as error:
        message = "is nested too deeply"
        raise ValueError(message) from error
    except (AttributeError, IndexError, KeyError, TypeError) as error:  # PyYAML, for a value that its tag does not fit
        message = "is not YAML: a value does not fit its tag"
        raise ValueError(message) from error
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        message = "is not a kubeconfig"
        raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's
    return document


def _as_json(content: bytes) -> Any:
    """The JSON document; None if the content is no JSON object. PyYAML does not read all JSON: no tabs, for example."""
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None


def _yaml_problem(error: yaml.YAMLError) -> str:
    """Where the mistake is. PyYAML's own text shows the line, which may hold a token, and quotes names from there."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    problem = _QUOTED.sub(lambda found: found[0] if _OF_PYYAML.fullmatch(found[0]) else "'...'", str(problem))
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem


def _select(document: Section, context_name: str | None, path: Path, side: str) -> Chosen:
    name = str(context_name or document.get("current-context") or "").strip()
    if not name:
        message = f"has no current-context: choose a context with '--{side}-context'"
        raise ValueError(message)
    context = _named(document, "contexts", "context", name)
    if not context.get("cluster"):
        message = f"context {name!r} names no cluster: 'cluster' is missing"
        raise ValueError(message)
    cluster = _named(document, "clusters", "cluster", str(context["cluster"]))
    user_name = str(context.get("user", ""))
    user = _named(document, "users", "user", user_name) if user_name else {}
    return Chosen(name, cluster, user, user_name, path, "")


def _named(document: Section, section: str, key: str, name: str) -> Section:
    """The entry of that name, without its empty fields. An entry without a name is a mistake only if none has it."""
    named = {_name_of(entry): entry.get(key) for entry in reversed(_entries(document, section))}
    if name not in named:
        known = ", ".join(map(one_line, sorted(each for each in named if each))) or "none"
        nameless = "; an entry has no name: 'name' is missing" if "" in named else ""
        message = f"has no {key} {name!r} (there are: {known}{nameless})"
        raise ValueError(message)
    found = named[name]
    if found is None and key == "user":
        return {}
    if not isinstance(found, Mapping):
        message = f"{key} {name!r} is empty" if found is None else f"{key} {name!r} is not a list of fields"
        raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's
    return given(found)


def _entries(document: Section, section: str) -> list[Section]:
    entries = document.get(section) or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping | None) for entry in entries):
        message = f"{section} is not a list of entries with a name"
        raise ValueError(message)
    return [entry or {} for entry in entries]


def _name_of(entry: Section) -> str:
    """The name; empty if there is none. YAML reads a name such as 1 as a number."""
    name = entry.get("name")
    return "" if name is None else str(name).strip()
