"""The API of one cluster, by lightkube: whole lists, single writes, retries, one deadline.

This module works around most of what lightkube does differently from what we need, see docs/lightkube.md.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar, cast
from urllib.parse import urlencode

import httpx2
import msgspec
from lightkube import ALL_NS, Client
from lightkube.core.dictmixin import DictMixin
from lightkube.core.generic_client import BasicRequest
from lightkube.core.resource import NamespacedResource, Resource
from lightkube.types import PatchType

from barrelman_sync.cluster.bounds import check_count, smaller_pages
from barrelman_sync.cluster.decoding import make_known
from barrelman_sync.cluster.faults import FAULTS, ClusterError, NotTriedError, cluster_error, is_absent, no_answer
from barrelman_sync.cluster.retrying import Retries
from barrelman_sync.deadline import Deadline, TimeOverError
from barrelman_sync.model.errors import Advice, ConfigurationError, RunError
from barrelman_sync.model.names import FIELD_MANAGER, Key

PAGE = 500
_OF_A_URL = frozenset("/\\%?#")
_log = logging.getLogger(__name__)

R = TypeVar("R", bound=Resource)
T = TypeVar("T")


class Listed(NamedTuple, Generic[T]):
    """A whole list: the parsed items, and the resourceVersion of the list."""

    items: tuple[T, ...]
    version: str


class Acknowledged(msgspec.Struct):
    """Any JSON object, such as the Status in the answer to a delete."""


class ClusterClient:
    """Reads and writes one cluster. All methods raise ClusterError, and may be called from several threads."""

    def __init__(self, client: Client, side: str, deadline: Deadline, advice: Advice) -> None:
        self._client = client
        self._side = side
        self._deadline = deadline
        self._advice = advice
        self.title = f"{side} cluster"
        """What messages call the cluster."""
        self.name = client.config.context_name
        """The name of the kubeconfig context or GKE cluster."""
        self.server = client.config.cluster.server
        """The URL of the API server."""
        self._http: httpx2.Client = client._client._client  # noqa: SLF001 - lightkube does not offer its HTTP client in another way
        self._base = str(self._http.base_url.copy_with(query=None, fragment=None)).rstrip("/")

    def with_share(self, part: float) -> "ClusterClient":
        """A client that has only this part of the run's remaining time, for data that a run can do without."""
        return ClusterClient(self._client, self._side, self._deadline.share(part), self._advice)

    def for_seconds(self, seconds: float) -> "ClusterClient":
        """A client that has only so much time, or the rest of the run's, for data that a run can do without."""
        return ClusterClient(self._client, self._side, self._deadline.at_most(seconds), self._advice)

    @property
    def is_over(self) -> bool:
        """Whether the time for the run is over, or the run was stopped."""
        return bool(self._deadline.over())

    def pause(self, seconds: float) -> None:
        """Waits that long, but no longer than the run has time."""
        self._deadline.sleep(seconds)

    def list_all(self, resource: type[R], parse: Callable[[R], T | None], *, labels: str | None = None) -> Listed[T]:
        """All objects of a kind, parsed by `parse`. Objects that `parse` turns into None are dropped.

        A list that expires before its last page (410) is started again once: pages of two lists are not a snapshot.
        """
        doing = f"listing {_plural(resource)}"
        try:
            return self._list_once(resource, parse, labels, doing)
        except ClusterError as error:
            if error.status != httpx2.codes.GONE:
                raise
            _log.info("the list of %s in the %s expired; it is started again", _plural(resource), self.title)
            return self._list_once(resource, parse, labels, doing)

    def first_of(self, resource: type[R], labels: str, *, namespace: str = "", limit: int = PAGE) -> list[R]:
        """The first objects of a namespaced kind with these labels; without a namespace, of all namespaces."""
        generic = self._client._client  # noqa: SLF001 - lightkube's own iterator would read all pages
        params = {"limit": limit, "labelSelector": labels}
        basic = generic.prepare_request("list", resource, namespace=namespace or ALL_NS, params=params)

        def call() -> list[R]:
            _, _, page = self._sent("list", generic.build_adapter_request(basic), basic)
            return [*page]

        return self._read(f"listing {_plural(resource)}", call)

    def get(self, resource: type[R], key: Key) -> R | None:
        """One object; None if it does not exist."""
        try:
            found: R = self._read(f"reading {_title(resource, key)}", lambda: self._call("get", resource, key))
        except ClusterError as error:
            if is_absent(error.__cause__):
                return None
            raise
        return found

    def apply(self, resource: type[R], key: Key, body: Mapping[str, Any]) -> R:
        """Server-side apply with force. Returns the object as it is now."""
        return self._patch(f"applying {_title(resource, key)}", resource, key, body, PatchType.APPLY)

    def patch(self, resource: type[R], key: Key, operations: list[dict[str, Any]]) -> R:
        """A JSON patch. Returns the object as it is now."""
        return self._patch(f"patching {_title(resource, key)}", resource, key, operations, PatchType.JSON)

    def merge(self, resource: type[R], key: Key, body: Mapping[str, Any]) -> R:
        """A JSON merge patch. Returns the object as it is now."""
        return self._patch(f"patching {_title(resource, key)}", resource, key, body, PatchType.MERGE)

    def delete(self, resource: type[Resource], key: Key, options: Mapping[str, Any]) -> None:
        """Deletes an object. `options` is the body, with preconditions, which lightkube's own `delete` cannot send."""
        self._write(f"deleting {_title(resource, key)}", lambda: self._call("delete", resource, key, body=options))

    def ask(self, resource: type[R], body: Mapping[str, Any]) -> R:
        """Posts an object that the server answers and does not store, such as an access review."""

        def call() -> R:
            generic = self._client._client  # noqa: SLF001 - `create` accepts only a model of lightkube
            basic = generic.prepare_request("post", resource, body)
            answer: R = self._sent("post", generic.build_adapter_request(basic), basic)
            return answer

        return self._read(f"asking by {resource._api_info.resource.kind}", call)  # noqa: SLF001

    def _patch(self, doing: str, resource: type[R], key: Key, body: Any, kind: PatchType) -> R:
        options = {"fieldManager": FIELD_MANAGER, **({"force": "true"} if kind is PatchType.APPLY else {})}
        headers = {"Content-Type": kind.value}

        def call() -> R:
            patched: R = self._call("patch", resource, key, body=body, params=options, headers=headers)
            return patched

        return self._write(doing, call)

    def _call(self, method: str, resource: type[Resource], key: Key, *, body: Any = None, **request: Any) -> Any:
        if not all(map(_is_segment, filter(None, key))):
            message = f"{key!s} is not the name of an object"
            raise ValueError(message)
        namespace = key.namespace or None
        generic = self._client._client  # noqa: SLF001 - Client.delete takes no body, see docs/lightkube.md
        basic = generic.prepare_request(method, resource, body, key.name, namespace, **request)
        # lightkube does not look at the answer to a delete, so the HTML page of a proxy would count as success.
        basic.response_type = basic.response_type or cast("type[DictMixin]", Acknowledged)
        return self._sent(method, self._request(basic, body), basic)

    def _sent(self, method: str, request: httpx2.Request, basic: BasicRequest) -> Any:
        """Sends a request, and returns what lightkube makes of the answer."""
        generic = self._client._client  # noqa: SLF001 - see docs/lightkube.md
        answer = generic.send(request)
        make_known(basic.response_type or Acknowledged)
        return generic.handle_response(method, answer, basic)

    def _request(self, basic: BasicRequest, body: Any) -> httpx2.Request:
        """The request that lightkube would build, but with any body. Its URL is parsed once, not three times."""
        query = f"?{urlencode(basic.params)}" if basic.params else ""
        content = None if body is None else msgspec.json.encode(body)
        headers = basic.headers or (None if body is None else {"Content-Type": "application/json"})
        url = f"{self._base}/{basic.url}{query}"
        return self._http.build_request(basic.method, url, content=content, headers=headers)

    def _list_once(
        self, resource: type[R], parse: Callable[[R], T | None], labels: str | None, doing: str
    ) -> Listed[T]:
        items: list[T] = []
        version = ""
        for page, version in self._pages(resource, parse, labels, doing):  # noqa: B007 - all pages have the list's version
            items += page
        return Listed(tuple(items), version)

    def _pages(
        self, resource: type[R], parse: Callable[[R], T | None], labels: str | None, doing: str
    ) -> Iterator[tuple[list[T], str]]:
        """The parsed pages, one by one. lightkube's own iterator cannot request a page again that failed."""
        generic = self._client._client  # noqa: SLF001 - see docs/lightkube.md
        namespace = ALL_NS if issubclass(resource, NamespacedResource) else None
        params = {"limit": PAGE, "labelSelector": labels}
        basic = generic.prepare_request("list", resource, namespace=namespace, params=params)
        listed = 0

        def call() -> tuple[bool, str | None, list[T]]:
            nonlocal listed
            more, version, page = self._sent("list", generic.build_adapter_request(basic), basic)
            if not version:
                message = "a list without resourceVersion"
                raise ValueError(message)
            check_count(listed + len(page))
            listed += len(page)
            # Parsed here, so that a decoded page is freed before the next one comes: nothing else takes as much memory.
            return more, version, [parsed for item in page if (parsed := parse(item)) is not None]

        more = True
        while more:
            try:
                more, version, page = self._read(doing, call)
            except ClusterError as error:
                basic.params = smaller_pages(basic.params, error)
                _log.info("%s in the %s: too large, in pages of %s now", doing, self.title, basic.params["limit"])
            else:
                yield page, str(version)

    def _read(self, doing: str, call: Callable[[], T]) -> T:
        """Sends a request whose answer is of no use after the end of the run."""
        return self._send(doing, lambda: self._deadline.bound(call), writes=False)

    def _write(self, doing: str, call: Callable[[], T]) -> T:
        """Sends a request that may finish after the end of the run, see `cluster.apply`."""
        return self._send(doing, call, writes=True)

    def _send(self, doing: str, call: Callable[[], T], *, writes: bool) -> T:
        """Sends a request, and sends it again as long as the fault may pass and there are tries and time left."""

        def attempt() -> T:
            if why := self._deadline.over():
                raise NotTriedError(doing, self.title, why)
            return call()

        retries = Retries(self._deadline, f"{doing} in the {self.title}", writes=writes)
        try:
            return retries.run(attempt)
        except (*FAULTS, TimeOverError, RunError, ConfigurationError) as error:
            raise self._error(doing, error, retries.fault) from error

    def _error(self, doing: str, error: Exception, earlier: Exception | None) -> ClusterError:
        """The error to report. If the last try was cut off, that is the fault of the try before (`earlier`)."""
        if earlier and isinstance(error, TimeOverError | NotTriedError | httpx2.TimeoutException):
            why = self._deadline.stopped
            return cluster_error(earlier, doing, self.title, self._advice, then=f"Then {why}." if why else "")
        match error:
            case ClusterError():
                return error
            case TimeOverError():
                # If the user interrupted the run, nothing is wrong with the server.
                hint = "" if self._deadline.stopped else self._advice.unreachable
                return no_answer(doing, self.title, self.server, str(error), hint)
            case RunError() | ConfigurationError():  # from getting a new token
                return ClusterError(doing, self.title, str(error))
            case _:
                return cluster_error(error, doing, self.title, self._advice)


def _is_segment(name: str) -> bool:
    """Whether the name is one segment of a URL. With `../`, the request would be about another object."""
    return name not in (".", "..") and not _OF_A_URL.intersection(name)


def _plural(resource: type[Resource]) -> str:
    return resource._api_info.plural  # noqa: SLF001 - lightkube's own description of a resource


def _title(resource: type[Resource], key: Key) -> str:
    return f"{resource._api_info.resource.kind} {key}"  # noqa: SLF001
