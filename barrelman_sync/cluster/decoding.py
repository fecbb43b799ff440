"""Makes classes known to msgspec before several threads decode answers into them.

msgspec finds out about the fields of a class when the class is used for the first time, and so for the classes of the
fields. It keeps the result at the classes, unfinished as it may be, so a second thread may crash the process (msgspec
0.22.0: a segmentation fault, or memory that is freed twice). Lists are read at the same time, and all of them have
metadata. Once a class is known, any number of threads may use it.
"""

from threading import Lock

from lightkube.core import decoders

_lock = Lock()
_known: set[type] = set()


def make_known(resource: type) -> None:
    """Lets msgspec know a resource class, and the Status of an error. One thread at a time; the others wait."""
    if resource in _known:
        return
    with _lock:
        if resource not in _known:
            decoders.decode_list(b'{"items":[]}', resource)
            decoders.decode_status(b"{}")
            _known.add(resource)
