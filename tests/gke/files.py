"""Files that GOOGLE_APPLICATION_CREDENTIALS may name, all of them pointing at the fake."""

from __future__ import annotations

import json
from pathlib import Path

from tests.gke.google import ACCOUNT, IMPERSONATE_PATH, PROJECT, Google, Json


def key(google: Google, private_key: str, **changes: object) -> Json:
    """A service account's key; None leaves a field out."""
    fields = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "0123",
        "private_key": private_key,
        "client_email": ACCOUNT,
        "client_id": "1",
        "token_uri": f"{google.url}/token",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def federation(google: Google, subject_token: Path) -> Json:
    """Workload identity federation: the token of somebody else is exchanged for Google's."""
    subject_token.write_text("a-token-of-somebody-else")
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.url}/sts",
        "credential_source": {"file": str(subject_token)},
    }


def impersonation(google: Google, source: Json) -> Json:
    """What `gcloud auth application-default login --impersonate-service-account` writes."""
    return {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": f"{google.url}{IMPERSONATE_PATH}",
        "source_credentials": source,
        "delegates": [],
    }


def write(path: Path, content: Json | str) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
