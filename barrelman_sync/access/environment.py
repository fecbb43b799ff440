"""The variables that Google's libraries read by themselves, made usable. Pure: the variables are handed in."""

from collections.abc import MutableMapping
from urllib.parse import urlsplit

from barrelman_sync.access.proxies import proxy_of_environment
from barrelman_sync.model.errors import ConfigurationError

CONTAINER_API = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"
"""The variable by which gcloud itself takes another address of the Kubernetes Engine API."""
_HOSTS = ("https://container.googleapis.com", "https://oauth2.googleapis.com")


def prepare_for_google(environment: MutableMapping[str, str]) -> None:
    """Trims the variables, and checks the proxy. Raises ConfigurationError.

    Google's libraries support no SOCKS proxy, and would take a newline at the end of a file's name for a part of it.
    """
    for name in [name for name in environment if _is_for_google(name)]:
        if value := environment[name].strip():
            environment[name] = value
        else:
            del environment[name]
    override = environment.get(CONTAINER_API)
    for url in [override] if override else _HOSTS:
        if is_url(url):  # anything else is reported when the address is used
            _check_proxy(url, environment)


def is_url(text: str) -> bool:
    """Whether the text is an http or https URL."""
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0  # `port` checks the number
    except ValueError:
        return False


def _is_for_google(name: str) -> bool:
    return name.startswith(("GOOGLE_", "CLOUDSDK_", "GCE_")) or name.upper().endswith("_PROXY")


def _check_proxy(url: str, environment: MutableMapping[str, str]) -> None:
    try:
        proxy = proxy_of_environment(url, environment)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if proxy and proxy.is_socks:
        message = (
            f"{proxy.named_by} is a SOCKS proxy, which Google's libraries do not support: name an http proxy there,"
            " exempt .googleapis.com by NO_PROXY, or use '--remote-kubeconfig'."
        )
        raise ConfigurationError(message)
