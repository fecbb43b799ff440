"""Whose token is used, and what is said where there is none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.gke import files
from tests.gke.command import Command
from tests.gke.google import (
    ACCOUNT,
    CLUSTER_PATH,
    IMPERSONATE_PATH,
    METADATA,
    METADATA_ACCOUNT,
    SCOPES,
    TARGET,
    Answer,
    Google,
    refusal,
)

METADATA_SERVER = {"NO_GCE_CHECK": "", "GOOGLE_APPLICATION_CREDENTIALS": ""}


@pytest.fixture(autouse=True)
def described(google: Google) -> None:
    """The container API is reached, and that is as far as these tests go."""
    google.cluster = {"status": "STOPPING"}


def bearer(google: Google) -> str:
    """The token that the container API was shown."""
    (asked,) = google.requests_for(CLUSTER_PATH)
    return asked.headers["authorization"].removeprefix("Bearer ")


def on_gce(google: Google) -> dict[str, str]:
    return {**METADATA_SERVER, "GCE_METADATA_HOST": google.address, "GCE_METADATA_IP": google.address}


def test_a_key_file(command: Command, google: Google) -> None:
    assert "STOPPING" in command.fails(1)
    (asked,) = google.requests_for("/token")
    assert (asked.claims["iss"], asked.claims["scope"]) == (ACCOUNT, SCOPES)
    assert bearer(google) == "first-token"


def test_workload_identity(command: Command, google: Google) -> None:
    """The metadata server's token, as in a pod of GKE."""
    assert "STOPPING" in command.fails(1, **on_gce(google))
    (asked,) = google.requests_for(f"{METADATA_ACCOUNT}/token")
    assert asked.query["scopes"] == SCOPES.replace(" ", ",")
    assert bearer(google) == "first-token"
    assert {path for path in google.paths() if path.startswith(METADATA)} == {
        f"{METADATA}/project/project-id",
        f"{METADATA_ACCOUNT}/",
        f"{METADATA_ACCOUNT}/token",
    }


def test_federation(command: Command, google: Google, tmp_path: Path) -> None:
    """Nothing else is asked: not which project the pool is in, which takes one more API."""
    path = files.write(tmp_path / "federation.json", files.federation(google, tmp_path / "subject"))
    assert "STOPPING" in command.fails(1, GOOGLE_APPLICATION_CREDENTIALS=str(path))
    (asked,) = google.requests_for("/sts")
    assert b"a-token-of-somebody-else" in asked.body
    assert google.paths() == ["/sts", CLUSTER_PATH]


def test_credentials_that_impersonate(command: Command, google: Google, tmp_path: Path, private_key: str) -> None:
    """Here google-auth has no other address for the API than its own, to which this proxy leads nobody."""
    content = files.impersonation(google, files.key(google, private_key))
    path = files.write(tmp_path / "impersonation.json", content)
    problem = command.fails(1, GOOGLE_APPLICATION_CREDENTIALS=str(path), HTTPS_PROXY=google.url)
    assert "no usable answer from iamcredentials.googleapis.com: Tunnel connection failed: 404" in problem
    assert [asked.method for asked in google.asked] == ["POST", "CONNECT"]
    assert google.paths()[0] == "/token"


def test_impersonation_by_option(command: Command, google: Google) -> None:
    google.tokens = ["token-of-source", "token-of-target"]
    assert "STOPPING" in command.fails(1, "--impersonate-service-account", TARGET)
    (asked,) = google.requests_for(IMPERSONATE_PATH)
    assert asked.headers["authorization"] == "Bearer token-of-source"
    assert all(scope in asked.body.decode() for scope in SCOPES.split())
    assert bearer(google) == "token-of-target"


def test_impersonation_by_a_pod(command: Command, google: Google) -> None:
    google.tokens = ["token-of-source", "token-of-target"]
    assert "STOPPING" in command.fails(1, "--impersonate-service-account", TARGET, **on_gce(google))
    assert bearer(google) == "token-of-target"


def test_no_credentials(command: Command, google: Google) -> None:
    problem = command.fails(2, GOOGLE_APPLICATION_CREDENTIALS="")
    assert problem.startswith("No Google credentials found. In a GKE pod: ")
    assert "gcloud auth application-default login" in problem
    assert google.paths() == []


def test_no_metadata_server_either(command: Command, closed_port: str) -> None:
    addresses = {"GCE_METADATA_HOST": closed_port, "GCE_METADATA_IP": closed_port}
    ended = command(**METADATA_SERVER, **addresses, GCE_METADATA_DETECT_RETRIES="1", GCE_METADATA_TIMEOUT="1")
    if (
        Path("/sys/class/dmi/id/product_name").is_file()
        and "Google" in Path("/sys/class/dmi/id/product_name").read_text()
    ):
        pytest.skip("this machine is one of Google's, where google-auth does not take the metadata server's no")
    assert (ended.exit_code, ended.problem[:30]) == (2, "No Google credentials found. I")


BAD_FILES: dict[str, tuple[str | None, str]] = {
    "missing": (None, "was not found"),
    "empty": ("", "is not a valid json file"),
    "no JSON": ("{'type': 'service_account'", "is not a valid json file"),
    "a list": ("[]", "its content is not valid"),
    "another JSON": ("{}", "does not have a valid type"),
    "a key without fields": ('{"type": "service_account"}', "missing fields"),
    "federation without fields": ('{"type": "external_account"}', "Failed to load external account credentials"),
    "a login without fields": ('{"type": "authorized_user"}', "Failed to load authorized user credentials"),
    "no text": ("\x00\x01", "is not a valid json file"),
}


@pytest.mark.parametrize(("content", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_credential(command: Command, tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "credentials.json"
    if content is not None:
        files.write(path, content)
    problem = command.fails(2, GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert problem.startswith(f"GOOGLE_APPLICATION_CREDENTIALS={path} cannot be used: ")
    assert said in problem


def test_a_key_that_is_none(command: Command, google: Google, tmp_path: Path, private_key: str) -> None:
    """Nothing of it is said."""
    lines = private_key.splitlines()
    broken = files.write(tmp_path / "broken.json", files.key(google, "\n".join([*lines[:9], "#", *lines[9:]])))
    assert "Failed to load service account" in command.fails(2, GOOGLE_APPLICATION_CREDENTIALS=str(broken))


def test_a_folder_in_place_of_a_file(command: Command, tmp_path: Path) -> None:
    assert command.fails(2, GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path)).endswith("cannot be used: Is a directory.")


def test_a_broken_login_of_gcloud(command: Command, tmp_path: Path) -> None:
    files.write(tmp_path / "application_default_credentials.json", "{}")
    problem = command.fails(2, GOOGLE_APPLICATION_CREDENTIALS="", CLOUDSDK_CONFIG=str(tmp_path))
    assert problem.startswith("gcloud's application default credentials cannot be used: ")
    assert problem.endswith("gcloud auth application-default login")


def test_a_key_that_is_gone(command: Command, google: Google) -> None:
    google.instead("/token", Answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}))
    problem = command.fails(1)
    assert problem.startswith("Getting a token from Google failed: invalid_grant: Invalid JWT Signature. Check this ")
    assert problem.endswith(f"gcloud iam service-accounts keys list --iam-account {ACCOUNT}")


def test_federation_that_is_refused(command: Command, google: Google, tmp_path: Path) -> None:
    path = files.write(tmp_path / "federation.json", files.federation(google, tmp_path / "subject"))
    google.instead("/sts", Answer(400, {"error": "invalid_grant", "error_description": "The audience is wrong."}))
    problem = command.fails(1, GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert "The audience is wrong. " in problem
    assert "check the federation configuration" in problem


def test_federation_without_its_token(command: Command, google: Google, tmp_path: Path) -> None:
    path = files.write(tmp_path / "federation.json", files.federation(google, tmp_path / "subject"))
    (tmp_path / "subject").unlink()
    assert "subject" in command.fails(1, GOOGLE_APPLICATION_CREDENTIALS=str(path))


def test_a_pod_without_workload_identity(command: Command, google: Google) -> None:
    google.instead(f"{METADATA_ACCOUNT}/token", Answer(403, "Permission iam.serviceAccounts.getAccessToken denied"))
    problem = command.fails(1, **on_gce(google))
    assert "getAccessToken denied" in problem
    assert "iam.gke.io/gcp-service-account" in problem
    assert len(google.requests_for(f"{METADATA_ACCOUNT}/token")) == 1


def test_an_account_that_may_not_be_impersonated(command: Command, google: Google) -> None:
    google.instead(IMPERSONATE_PATH, refusal(403, "PERMISSION_DENIED", "Permission denied."))
    problem = command.fails(1, "--impersonate-service-account", TARGET)
    assert f"add-iam-policy-binding {TARGET} " in problem
    assert "roles/iam.serviceAccountTokenCreator" in problem


def test_impersonation_with_its_api_disabled(command: Command, google: Google) -> None:
    answer = refusal(403, "PERMISSION_DENIED", "IAM Service Account Credentials API ...", reason="SERVICE_DISABLED")
    google.instead(IMPERSONATE_PATH, answer)
    problem = command.fails(1, "--impersonate-service-account", TARGET)
    assert problem.endswith("gcloud services enable iamcredentials.googleapis.com")


def test_no_way_to_the_token_server(
    command: Command, google: Google, closed_port: str, tmp_path: Path, private_key: str
) -> None:
    content = files.key(google, private_key, token_uri=f"http://{closed_port}/token")
    path = files.write(tmp_path / "elsewhere.json", content)
    problem = command.fails(1, "--timeout", "5s", GOOGLE_APPLICATION_CREDENTIALS=str(path))
    assert f"no usable answer from {closed_port}: [Errno 111] Connection refused." in problem
    assert "HTTPS_PROXY" in problem


def test_a_socks_proxy(command: Command, google: Google) -> None:
    """Google's libraries know none: refused by the name of the variable, before anything is asked."""
    problem = command.fails(
        2, HTTPS_PROXY="socks5://me:my-password@127.0.0.1:1", CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER=""
    )
    assert problem.startswith("HTTPS_PROXY is a SOCKS proxy, which Google's libraries do not support")
    assert "my-password" not in problem
    assert google.paths() == []


def test_variables_that_end_in_a_newline(command: Command, google: Google, key_file: Path) -> None:
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": f"{key_file}\n", f"{OVERRIDES}_CONTAINER": f"{google.url}/\r\n"}
    assert "STOPPING" in command.fails(1, **environment)


OVERRIDES = "CLOUDSDK_API_ENDPOINT_OVERRIDES"


def test_a_token_server_with_a_bad_minute(command: Command, google: Google) -> None:
    google.instead("/token", Answer(503, "busy"))
    assert "STOPPING" in command.fails(1)
    assert google.paths() == ["/token", "/token", CLUSTER_PATH]


def test_a_token_that_is_slow(command: Command, google: Google) -> None:
    """Longer than the three seconds that google-auth gives a metadata server."""
    google.instead(f"{METADATA_ACCOUNT}/token", lambda: time.sleep(4))
    assert "STOPPING" in command.fails(1, **on_gce(google))
    assert len(google.requests_for(f"{METADATA_ACCOUNT}/token")) == 1


NO_TOKENS: dict[str, Answer] = {
    "a page": Answer(200, "<html>log in</html>"),
    "a page of an error": Answer(403, "<html>forbidden</html>"),
    "another JSON": Answer(200, {"id_token": "a-token-of-somebody-else"}),
    "no number of seconds": Answer(200, {"access_token": "a-token-of-somebody-else", "expires_in": "soon"}),
}


@pytest.mark.parametrize("answer", NO_TOKENS.values(), ids=NO_TOKENS)
def test_an_answer_that_is_no_token(command: Command, google: Google, answer: Answer) -> None:
    google.instead("/token", answer)
    assert command.fails(1).startswith("Getting a token from Google failed: ")
