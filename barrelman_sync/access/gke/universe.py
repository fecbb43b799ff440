"""Where Google's APIs are: the domain that all of them share, and the addresses that gcloud's variables give."""

import os
import re

from barrelman_sync.access.environment import CONTAINER_API, is_url
from barrelman_sync.access.gke.problems import bad_universe, not_a_url

IAM_ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"
"""The environment variable by which gcloud itself takes another address of the API for impersonation."""
UNIVERSE = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
"""The environment variable by which Google's libraries take another domain: that of a sovereign cloud."""

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


def check_addresses() -> None:
    """Raises ConfigurationError if one of the variables has a value that cannot be right."""
    override(CONTAINER_API)
    override(IAM_ENDPOINT)
    wanted_universe()


def override(variable: str) -> str | None:
    """The address that the variable gives to an API, None if it is not set. Raises ConfigurationError."""
    if not (value := os.environ.get(variable, "").strip()):
        return None
    if not is_url(value):
        raise not_a_url(variable, value)
    return value


def wanted_universe() -> str | None:
    """The domain that the environment asks for, None if it does not. Raises ConfigurationError."""
    if not (value := os.environ.get(UNIVERSE, "").strip()):
        return None
    if not _DOMAIN.fullmatch(value):
        raise bad_universe(UNIVERSE, value)
    return value.lower()
