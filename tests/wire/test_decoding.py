"""Several threads decode answers at the same time, from the very first answer on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from barrelman_sync.cluster import resources
from barrelman_sync.cluster.client import Acknowledged, ClusterClient
from barrelman_sync.model.names import Key
from tests.wire.fakeapi import FakeApi
from tests.wire.objects import mirror, namespace

PROCESSES = 10
"""Without `make_known`, four of ten processes crash."""
THREADS = """
import sys
from threading import Barrier, Thread
from lightkube.core import decoders
from barrelman_sync.cluster import resources
from barrelman_sync.cluster.decoding import make_known
sys.setswitchinterval(1e-6)
NAMES = ("EndpointSlice", "EndpointSlice", "Service", "Namespace", "Endpoints", "Node")
CLASSES = [getattr(resources, name) for name in NAMES]
together = Barrier(len(CLASSES))
ITEM = b'{"metadata": {"name": "a"}, "addressType": "IPv4", "spec": {}}'
def decode(resource):
    together.wait()
    make_known(resource)
    decoders.decode_list(b'{"metadata": {"resourceVersion": "1"}, "items": [' + ITEM + b']}', resource)
    decoders.decode_object(ITEM, resource)
threads = [Thread(target=decode, args=[resource]) for resource in CLASSES]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_each_answer_finds_its_class_known(
    api: FakeApi, client: ClusterClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[type] = []
    monkeypatch.setattr("barrelman_sync.cluster.client.make_known", known.append)
    api.store.add(namespace("shop"), mirror("cart"))
    cart = Key("shop", "cart")
    client.list_all(resources.Node, lambda item: item)
    client.first_of(resources.EndpointSlice, "a=b")
    client.get(resources.Namespace, Key("", "shop"))
    client.apply(resources.Service, cart, {"metadata": {"name": "cart", "namespace": "shop"}})
    client.delete(resources.Service, cart, {})
    read = [resources.Node, resources.EndpointSlice, resources.Namespace, resources.Service]
    assert known == [*read, Acknowledged]


def test_the_first_use_of_a_class_is_safe_for_threads() -> None:
    for _ in range(PROCESSES):
        done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
