"""Both IP families: the same name over IPv4 and IPv6."""

from __future__ import annotations

import pytest

from lab.dataplane import Tally
from tests.endpoints.views import SLICES
from tests.traffic.lab import NAME, NAMESPACE, URL, Lab, serve

V4, V6 = "--family=4", "--family=6"
REMOTE_PODS = {"x1-1", "x2-1", "x3-1"}


@pytest.fixture
def both_families(lab: Lab) -> None:
    """Serve over both families at the remote, and mirror."""
    serve(lab.remote, ipFamilyPolicy="RequireDualStack")
    lab.mirror(SLICES)


@pytest.mark.usefixtures("both_families")
def test_a_mirror_has_the_family_of_its_cluster_until_a_user_asks_for_both(lab: Lab) -> None:
    calls = lab.call(URL, 20, V6)
    lab.tell("IPv6, not asked for", calls)
    assert calls.errors == {"no_such_name": 20}

    policy(lab, "PreferDualStack")
    lab.mirror(SLICES)
    for option in (V4, V6):
        calls = lab.call(URL, 60, option)
        lab.tell(option, calls)
        assert (calls.failed, set(calls.by)) == (0, REMOTE_PODS)
        assert families(calls) == {option}


@pytest.mark.usefixtures("both_families")
def test_one_family_loses_nothing_while_the_other_comes_and_goes(lab: Lab) -> None:
    with lab.local.node("y1").load(URL, options=(V4,)) as load:
        for change in ("PreferDualStack", "SingleStack"):
            load.go_on(100)
            policy(lab, change)
            lab.mirror(SLICES)
        load.go_on(100)
    lab.tell("IPv4, while IPv6 comes and goes", load.tally)
    assert load.tally.failed == 0
    assert lab.call(URL, 20, V6).errors == {"no_such_name": 20}


def policy(lab: Lab, wanted: str) -> None:
    """Patch the mirror as a user does."""
    metadata = {"name": NAME, "namespace": NAMESPACE}
    mirror = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    lab.local.api.patch(mirror, {"spec": {"ipFamilyPolicy": wanted}})


def families(calls: Tally) -> set[str]:
    """Return the option of each family in which pods were called."""
    return {V6 if ":" in call.seen_as else V4 for call in calls.calls}
