"""The variables that Google's libraries read by themselves, made usable. Pure: the variables are handed in."""

from collections.abc import MutableMapping
from urllib.parse import urlsplit

from barrelman_sync.access.proxies import proxy_of_environment
from barrelman_sync.model.errors import ConfigurationError

_CONTAINER_API = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"
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
    override = environment.get(_CONTAINER_API)
    for url in [override] if override else _HOSTS:
        if _is_url(url):  # Google's libraries report other addresses
            _check_proxy(url, environment)


def _is_for_google(name: str) -> bool:
    return name.startswith(("GOOGLE_", "CLOUDSDK_", "GCE_")) or name.upper().endswith("_PROXY")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname and parts.port != 0)
    except ValueError:
        return False


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
