"""No token, password or key is ever printed, whoever repeats it: servers, credential plugins, proxies, files."""

from __future__ import annotations

import base64
import itertools
import json
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.schema import valid
from tests.wire import answers
from tests.wire.commands import Sides, command
from tests.wire.fakeapi import Answer, Exchange, FakeApi, status_object
from tests.wire.kubeconfigs import Section, kubeconfig, write
from tests.wire.plugins import credential, execs, plugin

SERVICE = "/api/v1/namespaces/shop/services/cart"
NODES = "/api/v1/nodes"
OPAQUE = "".join(itertools.islice(itertools.cycle(string.ascii_letters + string.digits + "-._~+/="), 900))
JWT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "RS256", "kid": "k" * 40}, {"sub": "system:serviceaccount:a:b", "aud": ["c" * 400]}, "sig")
)
ODD = "pass'\"\\word: {é} #1"
"""A password that JSON, YAML and Python write otherwise."""


def sent(exchange: Exchange) -> str:
    """What came with the request, after the name of the scheme."""
    header = exchange.request_now.headers.get("Authorization", "")
    scheme, _, value = header.partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else header


def status(make: Callable[[str], tuple[str, str]], code: int = 403) -> Answer:
    """A Status with reason and message made of what came."""

    def answer(exchange: Exchange) -> None:
        body = status_object(code, *make(sent(exchange)))
        exchange.send(code, json.dumps(body).encode(), "application/json")

    return answer


def in_the_message(exchange: Exchange) -> None:
    status(lambda text: ("Forbidden", f"you sent {text}, go away"))(exchange)


def at_the_cut(exchange: Exchange) -> None:
    """A message that is cut in the middle of the token."""
    status(lambda text: ("Forbidden", f"{'.' * 500}{text}"))(exchange)


def behind_spaces(exchange: Exchange) -> None:
    """A text of which only the beginning is looked at. That ends in the token, and is short without its spaces."""
    exchange.send(400, f"{' ' * 9_900}{sent(exchange)}".encode(), "text/plain")


def many_times(exchange: Exchange) -> None:
    """The same cut, after tokens that become short."""
    status(lambda text: ("Forbidden", text * 30))(exchange)


def in_the_reason(exchange: Exchange) -> None:
    status(lambda text: (text, "no"))(exchange)


def as_text(exchange: Exchange) -> None:
    exchange.send(400, f"Authorization: {sent(exchange)}".encode(), "text/plain")


def as_a_fault_that_passes(exchange: Exchange) -> None:
    """The log tells it before each new try."""
    status(lambda text: ("InternalError", text), code=429)(exchange)


def in_headers(exchange: Exchange) -> None:
    text = ascii(sent(exchange))
    exchange.send(302, b"", "text/plain", Location=f"http://127.0.0.1:1/{text}", Warning=f'299 - "{text}"')


def in_an_object(exchange: Exchange) -> None:
    item = {"metadata": {"name": 7, "annotations": {"a": sent(exchange)}}}
    answers.raw(200, json.dumps({"metadata": {"resourceVersion": "1"}, "items": [item]}).encode())(exchange)


ECHOES = (
    in_the_message,
    at_the_cut,
    behind_spaces,
    many_times,
    in_the_reason,
    as_text,
    as_a_fault_that_passes,
    in_headers,
    in_an_object,
)
USERS: dict[str, tuple[Section, str]] = {
    "an opaque token": ({"token": OPAQUE}, OPAQUE),
    "a token as JSON": ({"token": JWT}, JWT),
    "a password": ({"username": "me", "password": ODD}, ODD),
}
FORMATS = (("-vv",), ("-vv", "--log-format", "json", "-o", "json"), ("-v", "-o", "yaml"))


def arguments(sides: Sides, user: Section, side: str) -> list[str]:
    """The options of a run that is this user on one side."""
    given = sides.arguments
    api = {"local": sides.local, "remote": sides.remote}[side]
    path = kubeconfig(sides.folder, f"{side}-user", api.url, user=user, insecure_skip_tls_verify=True)
    given[given.index(f"--{side}-kubeconfig") + 1] = str(path)
    return [*given, "--remote-name", "remote"]


def parts(secret: str) -> set[str]:
    """Pieces of the secret that no text has by chance."""
    return {secret[start : start + 12] for start in range(0, max(1, len(secret) - 12), 6)}


def assert_hidden(done: subprocess.CompletedProcess[str], secret: str) -> None:
    output = done.stdout + done.stderr
    forms = (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])
    assert not [part for form in forms for part in parts(form) if part in output]


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
@pytest.mark.parametrize(("user", "secret"), USERS.values(), ids=USERS)
def test_a_remote_that_repeats_what_it_got(sides: Sides, user: Section, secret: str, options: tuple[str, ...]) -> None:
    for echo in ECHOES:
        sides.remote.rule("GET", NODES, echo)
        done = command(*arguments(sides, user, "remote"), *options)
        assert done.returncode in (0, 1)
        assert_hidden(done, secret)
        if "yaml" in options:
            valid(yaml.safe_load(done.stdout))


@pytest.mark.parametrize("options", FORMATS, ids=" ".join)
@pytest.mark.parametrize(("user", "secret"), USERS.values(), ids=USERS)
def test_a_local_cluster_that_repeats_it_in_writes(
    sides: Sides, user: Section, secret: str, options: tuple[str, ...]
) -> None:
    """These errors are in the document, beside their steps."""
    sides.local.rule_for_ever("PATCH", SERVICE, in_the_message)
    done = command(*arguments(sides, user, "local"), *options)
    assert done.returncode == 1
    assert_hidden(done, secret)
    assert "[redacted]" in done.stdout
    if "yaml" in options:
        errors = [step["error"] for step in valid(yaml.safe_load(done.stdout))["steps"] if step.get("error")]
        assert "[redacted]" in errors[0]


def test_a_preflight_hides_it_too(sides: Sides) -> None:
    sides.remote.rule_for_ever("GET", NODES, in_the_message)
    done = command(*arguments(sides, {"token": OPAQUE}, "remote"), "--preflight", "-o", "yaml")
    assert_hidden(done, OPAQUE)
    assert yaml.safe_load(done.stdout)["checks"]


def test_other_text_stays(sides: Sides) -> None:
    sides.remote.rule_for_ever("GET", NODES, in_the_message)
    done = command(*arguments(sides, {"token": OPAQUE}, "remote"))
    assert "Forbidden: you sent Bearer [redacted], go away. Grant the permission" in done.stderr


def test_a_short_password_hides_no_words(sides: Sides) -> None:
    sides.remote.rule_for_ever("GET", NODES, answers.failure(403))
    done = command(*arguments(sides, {"username": "me", "password": "the"}, "remote"))
    assert "listing nodes in the remote cluster failed: the server answered" in done.stderr


# --- credential plugins -----------------------------------------------------------------------------------------


def test_what_a_plugin_gave(sides: Sides, tmp_path: Path) -> None:
    user = {"exec": execs(plugin(tmp_path, credential(token=OPAQUE)))}
    sides.remote.rule_for_ever("GET", NODES, in_the_message)
    assert_hidden(command(*arguments(sides, user, "remote"), "-vv"), OPAQUE)


def test_what_a_plugin_gave_later(sides: Sides, tmp_path: Path) -> None:
    """A token that replaces a refused one."""
    user = {"exec": execs(plugin(tmp_path, credential(token=OPAQUE)))}
    sides.remote.rule("GET", "/api/v1/namespaces/kube-system", answers.failure(401), in_the_message)
    assert_hidden(command(*arguments(sides, user, "remote"), "-vv"), OPAQUE)


@pytest.mark.parametrize(
    "said",
    [JWT, f"Authorization: Bearer {OPAQUE}", f"token={OPAQUE}", f'{{"token": "{OPAQUE}"}}', "password: my-password"],
)
def test_what_a_failing_plugin_says(sides: Sides, tmp_path: Path, said: str) -> None:
    """Nobody knows that it is a token, apart from its form."""
    (tmp_path / "said").write_text(said)
    user = {"exec": execs(plugin(tmp_path, f"cat {tmp_path}/said >&2; exit 1"))}
    done = command(*arguments(sides, user, "remote"), "-vv")
    assert "exited with code 1" in done.stderr
    secret = next(text for text in (JWT, OPAQUE, "my-password") if text in said)
    assert_hidden(done, secret)


def test_a_key_is_not_told_by_a_plugin_that_fails(sides: Sides, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(f"-----BEGIN PRIVATE KEY-----\n{OPAQUE}\n-----END PRIVATE KEY-----")
    user = {"exec": execs(plugin(tmp_path, f"cat {tmp_path}/said >&2; exit 1"))}
    assert_hidden(command(*arguments(sides, user, "remote"), "-vv"), OPAQUE)


# --- URLs and files ---------------------------------------------------------------------------------------------


def refusing(exchange: Exchange) -> None:
    """A proxy that repeats what it got."""
    header = exchange.request_now.headers.get("Proxy-Authorization", "")
    exchange.send(407, header.encode(), "text/plain", Proxy_Authenticate=header)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_password_of_a_dead_proxy(sides: Sides, scheme: str) -> None:
    assert_hidden(by_proxy(sides, f"{scheme}://me:my-password@127.0.0.1:1"), "my-password")


def test_the_password_of_a_proxy_that_repeats_it(sides: Sides) -> None:
    with FakeApi() as api:
        api.rule_for_ever("GET", "/api/v1/namespaces/kube-system", refusing)
        done = by_proxy(sides, api.url.replace("://", "://me:my-password@"), timeout="45")
    assert "407" in done.stderr
    assert_hidden(done, "my-password")
    assert_hidden(done, base64.b64encode(b"me:my-password").decode())


def by_proxy(sides: Sides, url: str, timeout: str = "3") -> subprocess.CompletedProcess[str]:
    path = kubeconfig(sides.folder, "proxied", sides.remote.url, proxy_url=url, insecure_skip_tls_verify=True)
    options = ("--remote-kubeconfig", str(path), "--timeout", timeout, "-vv")
    return command("--local-kubeconfig", sides.arguments[1], *options)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "url", ["http://me:my-password@127.0.0.1:1", "me:my-password@host:x", "ftp://me:my-password@h"]
)
def test_the_password_of_a_proxy_in_the_environment(sides: Sides, variable: str, url: str) -> None:
    done = command(*sides.arguments, "--timeout", "3", "-vv", environment={variable: url})
    assert done.returncode in (1, 2)
    assert_hidden(done, "my-password")


@pytest.mark.parametrize("url", ["http://me:my-password@host:9091", "me:my-password@host:9091", "me:my-password@h:x"])
@pytest.mark.parametrize("options", [(), ("-o", "json")], ids=" ".join)
def test_the_password_of_a_pushgateway(sides: Sides, url: str, options: tuple[str, ...]) -> None:
    done = command(*sides.arguments, "--pushgateway", url, *options)
    assert done.returncode == 2
    assert_hidden(done, "my-password")


def test_the_password_in_the_url_of_a_server(sides: Sides) -> None:
    path = kubeconfig(sides.folder, "url", "http://me:my-password@127.0.0.1:1")
    given = ["--local-kubeconfig", sides.arguments[1], "--remote-kubeconfig", str(path), "--timeout", "3", "-vv"]
    assert_hidden(command(*given), "my-password")


BROKEN = (
    "token: {secret}: x",
    "token: *{secret}",
    "token: !{secret} x",
    "token: !<tag:{secret}> x",
    "token: '{secret}",
    "token: &{secret} &{secret} x",
    "{secret}",
    "[{secret}",
    "%{secret}",
    "users: {secret}",
    "users: [{secret}]",
    "users: [{{name: a, user: {{token: [{secret}]}}}}]",
    "users: [{{name: a, user: {secret}}}]\ncurrent-context: a\ncontexts: [{{name: a, context: {{user: a}}}}]",
    '{{"users": {secret}',
)


@pytest.mark.parametrize("content", BROKEN)
def test_a_file_that_cannot_be_read(sides: Sides, content: str) -> None:
    secret = "Zq8sXw3vTn5mKd7rJh2c"
    path = write(sides.folder / "broken.yaml", content.format(secret=secret))
    done = command("--local-kubeconfig", sides.arguments[1], "--remote-kubeconfig", str(path), "-vv")
    assert done.returncode == 2
    assert_hidden(done, secret)
