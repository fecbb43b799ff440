"""What the API says is not what callers get: nodes that only look lost, and endpoints that only look served."""

from __future__ import annotations

import pytest

from tests.endpoints.test_hidden import HEADLESS, SKIP_MIRROR
from tests.scenarios.origins import Mode, in_both_modes
from tests.scenarios.views import edit, ips
from tests.traffic.lab import NAME, NAMESPACE, Lab, serve


@in_both_modes
def test_no_call_fails_while_all_nodes_look_lost(lab: Lab, mode: Mode) -> None:
    """The remote's control plane has lost its nodes, and their data plane works on."""
    serve(lab.remote)
    lab.mirror(*mode)
    with lab.load() as load:
        look(lab, x1="Unknown", x2="Unknown", x3="Unknown")
        assert "3 nodes of unknown readiness are assumed ready" in lab.mirror(*mode).stderr
        load.go_on(200)
        look(lab, x1="False", x2="False", x3="False")
        assert "kept: no node can be used" in lab.mirror(*mode, exit_code=1).stdout
        load.go_on(200)
        look(lab, x1="True", x2="True", x3="True")
        assert lab.mirror(*mode).writes == []
        load.go_on(100)
    lab.tell("all Unknown, all NotReady, and Ready again", load.tally)
    assert load.tally.failed == 0
    assert set(load.tally.by) == {"x1-1", "x2-1", "x3-1"}


@pytest.mark.parametrize("labels", [{SKIP_MIRROR: "true"}, {HEADLESS: ""}], ids=["skip-mirror", "headless"])
def test_endpoints_that_a_label_hid_are_served_after_one_run(lab: Lab, labels: dict[str, str]) -> None:
    serve(lab.remote)
    lab.mirror()
    edit(lab.local.plane, NAMESPACE, NAME, {"metadata": {"labels": labels}}, kind="Endpoints")
    lab.local.settle()
    assert len(ips(lab.local.plane, NAMESPACE, NAME)) == 3
    before = lab.call(count=50)
    lab.mirror()
    after = lab.call(count=50)
    lab.tell("hidden", before)
    lab.tell("after one run", after)
    assert before.errors == {"refused": 50}
    assert after.failed == 0


def look(lab: Lab, **statuses: str) -> None:
    """Set the condition Ready of these remote nodes."""
    for name, status in statuses.items():
        lab.remote.node(name).ready(status)
