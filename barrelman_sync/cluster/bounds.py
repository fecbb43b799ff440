"""How large an answer and a list may be, so that no server can fill our memory.

A server may send more than it announces, send without end, or send few bytes that unpack to many. So the unpacked bytes
are counted as they come.
"""

import io
from collections.abc import Mapping
from typing import Any

import httpx2

MOST_BYTES = 16 * 2**20
"""Of one answer, unpacked. A page of 500 nodes has 7 MB, and etcd takes no object above 1.5 MB.

Every page is in memory twice, as bytes and as objects, and two lists are read at once; the CronJob has 256 MiB.
"""
MOST_ERROR_BYTES = 2**20
"""Of an answer that is an error. A longer one is cut: messages show its beginning only."""
MOST_OBJECTS = 100_000
"""Of one list. Kubernetes is tested with 10,000 Services, and the largest clusters have 65,000 nodes."""
_MEGABYTE = 2**20


class TooLargeError(httpx2.RequestError):
    """An answer that is larger than MOST_BYTES. The rest of the answer is not read.

    The text is for an answer with one object: pages of several objects are asked for again, with fewer of them.
    """

    def __init__(self, request: httpx2.Request) -> None:
        text = f"one object has more than {MOST_BYTES // _MEGABYTE} MB: make it smaller; large ones have annotations"
        super().__init__(text, request=request)


class BoundedTransport(httpx2.BaseTransport):
    """Hands out whole answers, unpacked and no larger than they may be."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request and reads the answer. Raises TooLargeError."""
        response = self._transport.handle_request(request)
        response.request = request
        try:
            content = _content(response)
        finally:
            response.close()
        headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _OF_THE_STREAM]
        return httpx2.Response(response.status_code, headers=headers, content=content, extensions=response.extensions)

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()


_OF_THE_STREAM = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


def _content(response: httpx2.Response) -> bytes:
    read = io.BytesIO()
    for part in response.iter_bytes():
        read.write(part)
        if response.is_success and read.tell() > MOST_BYTES:
            read.close()  # the error has this frame, and would keep what was read
            raise TooLargeError(response.request)
        if not response.is_success and read.tell() > MOST_ERROR_BYTES:
            break
    return read.getvalue()


def check_count(objects: int) -> None:
    """Raises ValueError if a list has so many objects that no cluster can have them."""
    if objects > MOST_OBJECTS:
        message = f"the list has more than {MOST_OBJECTS} objects"
        raise ValueError(message)


def smaller_pages(params: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """The parameters of a list for pages of half the size, if a page was too large. Otherwise raises the error."""
    limit = int(params["limit"])
    if not isinstance(error.__cause__, TooLargeError) or limit <= 1:
        raise error
    return {**params, "limit": limit // 2}
