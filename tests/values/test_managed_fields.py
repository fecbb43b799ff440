"""Whose fields are whose: entries of managedFields as API servers write them."""

from __future__ import annotations

import json
from typing import Any

from barrelman_sync.cluster.managed_fields import claimed, without_us
from barrelman_sync.cluster.manifests import claim_patch, release_patch
from barrelman_sync.model.local import LocalService
from barrelman_sync.model.names import Revision
from barrelman_sync.planning.reasons import Reason, Why
from barrelman_sync.planning.steps import Release
from tests.values.builders import CART, FROM, FROM_UID, KIND, cases, field_set, mirror, service_port

Entry = dict[str, Any]

HTTP = 'k:{"port":80,"protocol":"TCP"}'
OLD = 'k:{"port":81,"protocol":"TCP"}'
PORT: Entry = {".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}
LABELS: Entry = {"f:labels": {".": {}, "f:tfw.io/barrelman": {}}}


def entry(manager: str, operation: str, time: str | None, fields: Entry, **more: Any) -> Entry:
    stamped = {"time": time} if time else {}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        **stamped,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **more,
    }


ORIGINAL = entry(
    "barrelman",
    "Update",
    "2020-01-30T10:00:00Z",
    {
        "f:metadata": LABELS,
        "f:spec": {"f:ports": {".": {}, HTTP: PORT, OLD: PORT}, "f:sessionAffinity": {}, "f:type": {}},
    },
)
OURS = entry(
    "barrelman-sync",
    "Apply",
    "2026-02-01T08:00:00Z",
    {
        "f:metadata": {"f:labels": {"f:tfw.io/barrelman-source": {}}},
        "f:spec": {"f:ports": {HTTP: {".": {}, "f:appProtocol": {}, "f:port": {}}}, "f:type": {}},
    },
)
OUR_UPDATE = entry(
    "barrelman-sync", "Update", "2026-02-03T08:00:00Z", {"f:spec": {"f:ports": {OLD: {"f:nodePort": {}}}}}
)
DUAL_STACK = entry("kubectl-edit", "Update", "2026-02-02T08:00:00Z", {"f:spec": {"f:ipFamilyPolicy": {}}})
EDITED = entry(
    "kubectl-edit",
    "Update",
    "2026-02-02T08:00:00Z",
    {
        "f:metadata": {"f:annotations": {"f:note": {}}},
        "f:spec": {"f:ipFamilyPolicy": {}, "f:ports": {HTTP: {"f:name": {}}}},
    },
)
STATUS = entry(
    "cloud-controller", "Update", "2026-02-04T08:00:00Z", {"f:status": {"f:loadBalancer": {}}}, subresource="status"
)
# No controller writes ports there; if one did, they would still not be the spec's to take.
PORT_STATUS = entry("proxy", "Update", None, {"f:spec": {"f:ports": {HTTP: PORT}}}, subresource="status")
OUR_STATUS = entry("barrelman-sync", "Apply", None, {"f:status": {"f:conditions": {}}}, subresource="status")
STICKY = entry(
    "kubectl-patch",
    "Update",
    "2026-02-02T08:00:00Z",
    {"f:spec": {"f:sessionAffinity": {}, "f:sessionAffinityConfig": {".": {}, "f:clientIP": {"f:timeoutSeconds": {}}}}},
)
LOAD_BALANCER = entry("helm", "Update", None, {"f:spec": {"f:loadBalancerSourceRanges": {}, "f:externalIPs": {}}})


def live(*entries: Entry, **fields: Any) -> LocalService:
    return mirror(managed_fields=json.dumps(entries).encode(), **fields)


def own(entries: list[Entry]) -> Entry:
    """Return our entry, which has to come last and only once."""
    names = [(item["manager"], item["operation"], item.get("subresource")) for item in entries]
    assert names.count(("barrelman-sync", "Apply", None)) == 1
    assert names[-1] == ("barrelman-sync", "Apply", None)
    return entries[-1]


# --- who --------------------------------------------------------------------------------------------------------


@cases(
    "entries, others",
    {
        "the original": ([ORIGINAL], ("barrelman",)),
        "we alone": ([OURS], ()),
        "we, by Update": ([OUR_UPDATE, OURS], ("barrelman-sync",)),
        "two, sorted and once each": ([STICKY, ORIGINAL, EDITED, OURS], ("barrelman", "kubectl-edit", "kubectl-patch")),
        "only other fields of the spec": ([DUAL_STACK, OURS], ()),
        "only the status": ([STATUS, PORT_STATUS, OURS], ()),
        "session affinity": ([STICKY], ("kubectl-patch",)),
        "what a load balancer left": ([LOAD_BALANCER], ("helm",)),
        "nobody": ([], ()),
    },
)
def test_other_holders(entries: list[Entry], others: tuple[str, ...]) -> None:
    assert live(*entries).holders.others == others


def test_no_managed_fields_at_all() -> None:
    cleared = mirror(managed_fields=b"null")
    assert cleared.holders == ((), False)
    assert own(claimed(cleared))["fieldsV1"] == {"f:spec": {"f:ports": {HTTP: {".": {}, "f:name": {}}}}}


FULL = entry("barrelman-sync", "Apply", None, {"f:spec": field_set([service_port()])})


@cases(
    "found, all_ours",
    {
        "we hold the port": (live(FULL), True),
        "and somebody another field": (live(DUAL_STACK, STATUS, FULL), True),
        "somebody holds the port too": (live(ORIGINAL, FULL), False),
        "a port that nobody holds": (
            mirror(CART, service_port(), service_port(81, 1, "x"), managed_fields=json.dumps([FULL]).encode()),
            False,
        ),
        "we hold it by Update": (live({**FULL, "operation": "Update"}), False),
        "we hold it in the status": (live({**FULL, "subresource": "status"}), False),
    },
)
def test_holds_all(found: LocalService, *, all_ours: bool) -> None:
    assert found.holders.complete is all_ours


# --- taken over -------------------------------------------------------------------------------------------------


def test_the_fields_of_the_original_become_ours_and_its_labels_stay_its() -> None:
    entries = claimed(live(ORIGINAL))
    assert entries[0] == {**ORIGINAL, "fieldsV1": {"f:metadata": LABELS}}
    assert own(entries) == entry(
        "barrelman-sync", "Apply", ORIGINAL["time"], {"f:spec": ORIGINAL["fieldsV1"]["f:spec"]}
    )


def test_field_sets_of_one_port_are_merged() -> None:
    entries = claimed(live(ORIGINAL, EDITED, OURS))
    ports = own(entries)["fieldsV1"]["f:spec"]["f:ports"]
    assert ports == {".": {}, HTTP: {**PORT, "f:appProtocol": {}}, OLD: PORT}
    assert own(entries)["fieldsV1"]["f:metadata"] == OURS["fieldsV1"]["f:metadata"]


def test_our_own_update_entry_is_somebody_elses_and_goes_when_empty() -> None:
    entries = claimed(live(OUR_UPDATE, OURS))
    assert len(entries) == 1
    assert own(entries)["fieldsV1"]["f:spec"]["f:ports"][OLD] == {"f:nodePort": {}}


def test_other_fields_of_an_editor_stay_his() -> None:
    (edited, _) = claimed(live(EDITED, OURS))
    assert edited["fieldsV1"] == {
        "f:metadata": {"f:annotations": {"f:note": {}}},
        "f:spec": {"f:ipFamilyPolicy": {}},
    }


@cases("untouched", {"dual stack": DUAL_STACK, "status": STATUS, "ports there": PORT_STATUS, "our status": OUR_STATUS})
def test_an_entry_without_our_fields_stays_as_it_is(untouched: Entry) -> None:
    assert claimed(live(untouched, ORIGINAL))[0] == untouched


def test_an_entry_that_is_left_empty_goes() -> None:
    assert [item["manager"] for item in claimed(live(STICKY, OURS))] == ["barrelman-sync"]


def test_only_what_stands_in_the_way_of_our_type_is_taken_from_a_load_balancer() -> None:
    (rest, ours) = claimed(live(LOAD_BALANCER))
    assert rest["fieldsV1"] == {"f:spec": {"f:externalIPs": {}}}
    assert "f:loadBalancerSourceRanges" in ours["fieldsV1"]["f:spec"]


def test_the_time_is_the_latest_of_all() -> None:
    assert own(claimed(live(ORIGINAL, OUR_UPDATE, OURS)))["time"] == OUR_UPDATE["time"]


def test_afterwards_we_hold_all() -> None:
    before = live(ORIGINAL, EDITED, STICKY, OUR_UPDATE, STATUS, OURS)
    after = live(*claimed(before))
    assert after.holders == ((), True)
    assert claimed(after) == claimed(before)


def test_what_was_read_is_not_changed() -> None:
    before = live(ORIGINAL, EDITED, OURS)
    claimed(before)
    assert before == live(ORIGINAL, EDITED, OURS)


# --- the patches ------------------------------------------------------------------------------------------------

SEEN = Revision("uid", "42")
ONLY_AT_REVISION = {"op": "replace", "path": "/metadata/resourceVersion", "value": "42"}


def test_the_claim_is_bound_to_the_revision() -> None:
    found = live(ORIGINAL, OURS)
    assert claim_patch(found, SEEN) == [
        ONLY_AT_REVISION,
        {"op": "add", "path": "/metadata/managedFields", "value": claimed(found)},
    ]


def released(fields: bytes) -> LocalService:
    return LocalService(CART, SEEN, managed_fields=fields)


def test_a_release_removes_what_is_ours_and_every_entry_of_ours() -> None:
    fields = json.dumps([ORIGINAL, OUR_UPDATE, STATUS, OURS]).encode()
    assert release_patch(Release(released(fields), (KIND, FROM), (FROM_UID,), Why(Reason.HAS_SELECTOR))) == [
        ONLY_AT_REVISION,
        {"op": "remove", "path": "/metadata/labels/tfw.io~1barrelman"},
        {"op": "remove", "path": "/metadata/labels/tfw.io~1barrelman-source"},
        {"op": "remove", "path": "/metadata/annotations/tfw.io~1barrelman-source-uid"},
        {"op": "replace", "path": "/metadata/managedFields", "value": [ORIGINAL, STATUS]},
    ]


@cases("fields", {"none": b"null", "only ours": json.dumps([OURS]).encode()})
def test_a_release_never_clears_the_fields(fields: bytes) -> None:
    assert without_us(fields) == []
    assert release_patch(Release(released(fields), (KIND,), (), Why(Reason.HAS_SELECTOR))) == [
        ONLY_AT_REVISION,
        {"op": "remove", "path": "/metadata/labels/tfw.io~1barrelman"},
    ]
