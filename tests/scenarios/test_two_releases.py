"""What one release of Kubernetes allows and an older one does not. `make matrix` runs these with all releases."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from lab.controlplane import ApiError, ControlPlane
from lab.controlplane.releases import Release
from tests.scenarios.command import Sync
from tests.scenarios.views import is_there, node_port

pytestmark = pytest.mark.usefixtures("nodes")
DIGIT_FIRST = Release((1, 36))
"""The first release that allows the name of a Service to start with a digit."""


def test_a_name_that_starts_with_a_digit(sync: Sync, remote: ControlPlane, local: ControlPlane) -> None:
    """A local cluster that refuses the name gets all else, and the run says which name it is."""
    try:
        remote.add(node_port("foo", "1-a", 30080))
    except ApiError as error:
        if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        pytest.skip("Kubernetes allows such names since 1.36")
    remote.add(node_port("foo", "bar", 30081))
    if local.release >= DIGIT_FIRST:
        sync.converges()
        assert is_there(local, "foo", "1-a") == (True, True)
    else:
        run = sync()
        assert run.exit_code == 1
        assert "422" in (line := run.line("! Service", "foo/1-a", "failed"))
        assert "start with an alphabetic character" in line
        assert is_there(local, "foo", "1-a") == (False, False)
    assert is_there(local, "foo", "bar") == (True, True)
