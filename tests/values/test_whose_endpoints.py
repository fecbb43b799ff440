"""Endpoints that Kubernetes' own controller may have written: their Service is looked at again before they change."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from barrelman_sync.model.names import ENDPOINTS_MANAGED_BY, MARKER
from tests.values.builders import CART, endpoints

LABELS_OF_THE_SERVICE = {MARKER: "managed-resource"}
THE_ORIGINALS = {MARKER: "true"}
OF_1_33 = {ENDPOINTS_MANAGED_BY: "endpoint-controller"}


@pytest.mark.parametrize(
    ("labels", "fields", "expected"),
    [
        pytest.param({ENDPOINTS_MANAGED_BY: "barrelman-sync"}, {}, False, id="ours"),
        pytest.param({ENDPOINTS_MANAGED_BY: "barrelman-sync"}, {"regular": False}, False, id="ours, made irregular"),
        pytest.param(THE_ORIGINALS, {}, False, id="the original's"),
        pytest.param(OF_1_33 | LABELS_OF_THE_SERVICE, {}, True, id="of a mirror that became real"),
        pytest.param(LABELS_OF_THE_SERVICE, {"regular": False}, True, id="the same, up to 1.32"),
        pytest.param(LABELS_OF_THE_SERVICE, {"addresses": ()}, True, id="the same without a ready pod"),
        pytest.param(THE_ORIGINALS, {"regular": False}, True, id="of a manual Service that got pods, up to 1.32"),
        pytest.param({}, {}, True, id="without a word"),
        pytest.param({ENDPOINTS_MANAGED_BY: "operator"}, {}, True, id="of somebody else"),
    ],
)
def test_whose_they_may_be(labels: Mapping[str, str], fields: Mapping[str, object], *, expected: bool) -> None:
    assert endpoints(CART, labels=labels, **fields).may_be_of_kubernetes is expected
