"""What the container API may say, and what is made of it."""

from __future__ import annotations

import pytest

from tests.gke.command import Command
from tests.gke.google import ACCOUNT, CLUSTER, CLUSTER_PATH, LOCATION, PROJECT, Answer, Google, Json, refusal

AT = f"{CLUSTER} --location {LOCATION} --project {PROJECT}"
TITLE = f"{CLUSTER} in {LOCATION} of project {PROJECT}"
CA = {"masterAuth": {"clusterCaCertificate": "Q0E="}}


@pytest.fixture(autouse=True)
def described(google: Google) -> None:
    google.cluster = {"status": "STOPPING"}


def test_only_what_is_needed_is_asked_for(command: Command, google: Google) -> None:
    """Old clusters have a password and a client's key in the rest."""
    command.fails(1)
    (asked,) = google.requests_for(CLUSTER_PATH)
    assert "masterAuth/clusterCaCertificate" in asked.query["fields"]
    assert asked.query["alt"] == "json"


REFUSED: dict[str, tuple[Answer, str, str]] = {
    "no permission": (
        refusal(403, "PERMISSION_DENIED", 'Required "container.clusters.get" permission(s) for "prod-1".'),
        'answered 403: Required "container.clusters.get" permission(s)',
        (
            f"Grant the permission: gcloud projects add-iam-policy-binding {PROJECT} --member serviceAccount:{ACCOUNT}"
            " --role roles/container.clusterViewer"
        ),
    ),
    "API disabled": (
        refusal(403, "PERMISSION_DENIED", "Kubernetes Engine API has not been used in ...", reason="SERVICE_DISABLED"),
        "answered 403: Kubernetes Engine API has not been used",
        f"Enable the API: gcloud services enable container.googleapis.com --project {PROJECT}",
    ),
    "no such cluster": (
        refusal(404, "NOT_FOUND", "Not found: projects/..."),
        "answered 404: Not found: projects/...",
        f"gcloud container clusters list --project {PROJECT}",
    ),
    "a bad request": (
        refusal(400, "INVALID_ARGUMENT", "Bad location."),
        "answered 400: Bad location.",
        "Check --remote-project",
    ),
    "a page": (Answer(404, "<html>a proxy</html>"), "answered 404: no message", "Check --remote-project"),
}


@pytest.mark.parametrize(("answer", "said", "advice"), REFUSED.values(), ids=REFUSED)
def test_a_refusal(command: Command, google: Google, answer: Answer, said: str, advice: str) -> None:
    google.instead(CLUSTER_PATH, answer)
    problem = command.fails(1)
    assert problem.startswith(f"Finding GKE cluster {TITLE} failed: the Kubernetes Engine API ")
    assert said in problem
    assert advice in problem
    assert len(google.requests_for(CLUSTER_PATH)) == 1


def test_a_failed_run_says_so_in_its_document(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, refusal(404, "NOT_FOUND", "Not found."))
    ended = command("-o", "json")
    assert (ended.exit_code, "Not found." in ended.stdout) == (1, True)


def test_a_refused_token_is_renewed_once(command: Command, google: Google) -> None:
    google.tokens = ["first-token", "second-token"]
    google.instead(CLUSTER_PATH, refusal(401, "UNAUTHENTICATED", "Too old."))
    assert "STOPPING" in command.fails(1)
    assert [asked.headers["authorization"] for asked in google.requests_for(CLUSTER_PATH)] == [
        "Bearer first-token",
        "Bearer second-token",
    ]


def test_a_token_that_stays_refused(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, *[refusal(401, "UNAUTHENTICATED", "Not you.")] * 3)
    assert "answered 401: Not you. Google rejects its own token" in command.fails(1)
    assert len(google.requests_for(CLUSTER_PATH)) == 2


def test_a_bad_minute_passes(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, refusal(503, "UNAVAILABLE", "Busy."), refusal(429, "RESOURCE_EXHAUSTED", "Slower."))
    assert "STOPPING" in command.fails(1)
    assert len(google.requests_for(CLUSTER_PATH)) == 3


def test_a_bad_minute_that_lasts_as_long_as_the_run(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, *[refusal(503, "UNAVAILABLE", "Busy.")] * 99)
    problem = command.fails(1, "--timeout", "5s")
    assert f"{google.address} answers 503. The time for the run (--timeout 5s) is over." in problem
    assert len(google.requests_for(CLUSTER_PATH)) > 1


def test_a_server_that_asks_to_wait_for_longer_than_the_run(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, Answer(429, "slower", {"Retry-After": "100"}))
    assert "answered 429" in command.fails(1)
    assert len(google.requests_for(CLUSTER_PATH)) == 1


PASSING: dict[str, Answer] = {
    "gateway": Answer(502, "<html>"),
    "late": Answer(504, ""),
    "too often": Answer(429, "slower", {"Retry-After": "1"}),
    "too often, the older way": Answer(403, {"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}),
    "broken": Answer(500, "oops"),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes(command: Command, google: Google, answer: Answer) -> None:
    google.instead(CLUSTER_PATH, answer)
    assert "STOPPING" in command.fails(1)
    assert len(google.requests_for(CLUSTER_PATH)) == 2


def test_a_connection_that_ends_without_an_answer(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, google.hang_up)
    assert "STOPPING" in command.fails(1)
    assert len(google.requests_for(CLUSTER_PATH)) == 2


def test_no_answer_ends_with_the_run(command: Command, google: Google) -> None:
    google.instead(CLUSTER_PATH, google.hang)
    problem = command.fails(1, "--timeout", "5s")
    assert f"no answer from {google.address}, the time for the run (--timeout 5s) is over." in problem


def test_no_token_ends_with_the_run(command: Command, google: Google) -> None:
    google.instead("/token", google.hang)
    assert f"no answer from {google.address}, " in command.fails(1, "--timeout", "5s")


def test_no_way_there(command: Command, closed_port: str) -> None:
    override = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": f"http://{closed_port}/"}
    problem = command.fails(1, "--timeout", "5s", **override)
    assert f"no usable answer from {closed_port}: [Errno 111] Connection refused. The time for the run" in problem
    assert "HTTPS_PROXY" in problem


@pytest.mark.parametrize("variable", ["CONTAINER", "IAMCREDENTIALS"])
@pytest.mark.parametrize(
    "url", ["nonsense", "http://[::1/", "gopher://127.0.0.1/", "http://", "//x/", "http://x:port/"]
)
def test_an_address_that_is_none(command: Command, google: Google, variable: str, url: str) -> None:
    name = f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{variable}"
    problem = command.fails(2, **{name: url})
    assert problem == f"{name}={url} is not a URL such as https://container.googleapis.com/."
    assert google.paths() == []


def test_a_name_that_nobody_knows(command: Command) -> None:
    override = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": "http://no-such-host.invalid/"}
    problem = command.fails(1, "--timeout", "5s", **override)
    assert problem.startswith("Asking Google for the remote cluster failed: no ")
    assert "no-such-host.invalid" in problem


def test_an_override_without_the_slash(command: Command, google: Google) -> None:
    assert "STOPPING" in command.fails(1, CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER=google.url)


def test_by_way_of_a_proxy(command: Command, google: Google) -> None:
    """Which httplib2, the library's own choice, does not honor by itself."""
    override = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": "http://container.example/"}
    assert "STOPPING" in command.fails(
        1, HTTP_PROXY=google.url, http_proxy=google.url, NO_PROXY="127.0.0.1", **override
    )
    assert google.requests_for(CLUSTER_PATH)[0].headers["host"] == "container.example"


NO_CLUSTERS: dict[str, Answer] = {
    "a page": Answer(200, "<html>log in</html>"),
    "a list": Answer(200, "[]"),
    "nothing": Answer(200, ""),
}


@pytest.mark.parametrize("answer", NO_CLUSTERS.values(), ids=NO_CLUSTERS)
def test_an_answer_that_is_no_cluster(command: Command, google: Google, answer: Answer) -> None:
    google.instead(CLUSTER_PATH, answer)
    assert google.address in command.fails(1)


STATUSES: dict[str, tuple[Json, str]] = {
    "stopping": (
        {"status": "STOPPING", "conditions": [{"code": "X", "message": "Somebody deletes it."}]},
        "its status is STOPPING: Somebody deletes it.",
    ),
    "provisioning": ({"status": "PROVISIONING"}, "its status is PROVISIONING."),
    "error": (
        {"status": "ERROR", "conditions": [{"code": "GCE_STOCKOUT"}], "statusMessage": "No machines."},
        "its status is ERROR: GCE_STOCKOUT; No machines.",
    ),
    "unknown": ({}, "its status is unknown."),
}


@pytest.mark.parametrize(("cluster", "said"), STATUSES.values(), ids=STATUSES)
def test_a_cluster_that_is_not_there_to_use(command: Command, google: Google, cluster: Json, said: str) -> None:
    google.cluster = cluster
    problem = command.fails(1)
    assert problem == f"Using GKE cluster {TITLE} failed: {said} See: gcloud container clusters describe {AT}"


PRIVATE = {"endpoint": "10.1.1.1", "privateClusterConfig": {"enablePrivateEndpoint": True}}
CLOSED_DNS = {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "a.gke.goog"}}}
NO_ENDPOINTS: dict[str, tuple[str, Json, str]] = {
    "private": (
        "private",
        {"endpoint": "34.1.1.1"},
        "it has no private endpoint. The cluster has: public; choose one with --remote-endpoint, or ",
    ),
    "public": ("public", PRIVATE, "it has no public endpoint. The cluster has: private; choose "),
    "dns": (
        "dns",
        {**CLOSED_DNS, "endpoint": "34.1.1.1"},
        f"Enable the DNS endpoint: gcloud container clusters update {AT} ",
    ),
    "any": ("auto", CLOSED_DNS, "it has no usable endpoint. Enable the DNS endpoint: "),
}


@pytest.mark.parametrize(("wanted", "cluster", "said"), NO_ENDPOINTS.values(), ids=NO_ENDPOINTS)
def test_an_endpoint_that_is_not_there(command: Command, google: Google, wanted: str, cluster: Json, said: str) -> None:
    google.cluster = {"status": "RUNNING", **CA, **cluster}
    assert said in command.fails(1, "--remote-endpoint", wanted)
