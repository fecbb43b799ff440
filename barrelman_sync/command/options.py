"""The options of the command: names, groups, defaults and help texts."""

from typing import Any

import click

from barrelman_sync.command.parameters import GroupedOption, Parsed
from barrelman_sync.command.values import (
    parse_email,
    parse_file,
    parse_fingerprint,
    parse_gateway,
    parse_given,
    parse_ignored,
    parse_limit,
    parse_network,
    parse_resource,
    parse_timeout,
)
from barrelman_sync.model.selector import label_value, parse_selector
from barrelman_sync.model.settings import Color, LogFormat, Output, RemoteEndpoint

ENVIRONMENT_PREFIX = "BARRELMAN_SYNC"


def _text(*names: str, group: str, metavar: str, help: str, **attributes: Any) -> GroupedOption:  # noqa: A002
    return GroupedOption(*names, group=group, metavar=metavar, help=help, **attributes)


def _flag(*names: str, group: str, help: str) -> GroupedOption:  # noqa: A002
    return GroupedOption(*names, group=group, is_flag=True, help=help)


_LOCAL, _REMOTE, _IDENTITY = "Local cluster", "Remote cluster", "Identity"
_SCOPE, _ENDPOINTS, _SAFETY, _RUN, _METRICS = "What is mirrored", "Endpoints", "Safety", "Run", "Metrics"

_NOT_EMPTY, _GOOGLE_NAME = Parsed(parse_given), Parsed(parse_resource)

OPTIONS: tuple[click.Parameter, ...] = (
    _text("--local-kubeconfig", group=_LOCAL, metavar="FILE", type=_NOT_EMPTY,
          help="Kubeconfig of the local cluster. Without it and --local-context: the pod's service account."),
    _text("--local-context", group=_LOCAL, metavar="NAME", type=_NOT_EMPTY,
          help="Context in it, or alone in the default kubeconfig. Default: its current context."),
    _text("--remote-project", group=_REMOTE, metavar="ID", type=_GOOGLE_NAME,
          help="Google Cloud project of a remote GKE cluster."),
    _text("--remote-location", "--remote-zone", group=_REMOTE, metavar="PLACE", type=_GOOGLE_NAME,
          envvar=[f"{ENVIRONMENT_PREFIX}_REMOTE_LOCATION", f"{ENVIRONMENT_PREFIX}_REMOTE_ZONE"],
          help="Its zone or region."),
    _text("--remote-cluster-name", group=_REMOTE, metavar="NAME", type=_GOOGLE_NAME, help="Its name."),
    _text("--remote-endpoint", group=_REMOTE, metavar="KIND", type=click.Choice([*map(str, RemoteEndpoint)]),
          default="auto", show_default=True,
          help="By which address: public, private or dns; auto takes public, else dns, else private."),
    _text("--impersonate-service-account", group=_REMOTE, metavar="EMAIL", type=Parsed(parse_email),
          help="Act as this Google service account, not as the one whose credentials are found."),
    _text("--remote-kubeconfig", group=_REMOTE, metavar="FILE", type=_NOT_EMPTY,
          help="Kubeconfig of any other remote cluster."),
    _text("--remote-context", group=_REMOTE, metavar="NAME", type=_NOT_EMPTY,
          help="Context in it, or alone in the default kubeconfig. Default: its current context."),
    _text("--remote-name", group=_IDENTITY, metavar="NAME", type=Parsed(label_value),
          help="Name of the remote, kept as a label on all we create. Default: that of the GKE cluster or context."),
    _text("--adopt-source", group=_IDENTITY, metavar="OLD", type=Parsed(label_value),
          help="Take over what was mirrored under this other name."),
    _text("--ignore-namespace", group=_SCOPE, metavar="NAME", multiple=True, type=Parsed(parse_ignored),
          help="Namespace to leave out on both sides; repeatable. kube-system is one; -kube-system takes it in again."),
    _flag("--include-loadbalancers", group=_SCOPE, help="Mirror Services of type LoadBalancer too."),
    _flag("--nodeportsvc", group=_SCOPE, help="Make mirrors of type NodePort, with the remote's node ports."),
    _flag("--no-create-namespaces", group=_SCOPE, help="Leave out Services whose namespace does not exist locally."),
    _text("--node-selector", group=_ENDPOINTS, metavar="SELECTOR", type=Parsed(parse_selector),
          help="Use only nodes with these labels, as kubectl selects: pool=a,zone!=b,gpu,os in (x,y)."),
    _text("--allowed-node-cidr", group=_ENDPOINTS, metavar="CIDR", multiple=True, type=Parsed(parse_network),
          help="Use only node addresses in this network; repeatable."),
    _text("--max-endpoints", group=_ENDPOINTS, metavar="N", type=click.IntRange(min=0), default=250, show_default=True,
          help="Use at most N nodes for each Service, a stable choice balanced over zones; 0 for all."),
    _flag("--endpoint-slices", group=_ENDPOINTS, help="Write EndpointSlices instead of Endpoints."),
    _text("--max-deletes", group=_SAFETY, metavar="N|N%", type=Parsed(parse_limit),
          help="Hold all deletes back if there are more. Default: 10, or 30% of what we own if that is more."),
    _flag("--allow-mass-delete", group=_SAFETY, help="Let this run delete as much as it plans to."),
    _flag("--preflight", group=_RUN,
          help="Only try what a run needs, and tell it as text: access, rights, the way to the node ports."),
    _flag("--dry-run", group=_RUN, help="Print the plan and stop. Needs only get and list."),
    _flag("--detailed-exitcode", group=_RUN, help="With --dry-run: exit 4 if there are changes."),
    _text("-o", "--output", group=_RUN, metavar="FORMAT", type=click.Choice([*map(str, Output)]), default="text",
          help="text, json or yaml.", show_default=True),
    _text("--expect-plan", group=_RUN, metavar="FINGERPRINT", type=Parsed(parse_fingerprint),
          help="Write only if the plan is the one that a dry run printed this fingerprint of."),
    _text("--color", group=_RUN, metavar="WHEN", type=click.Choice([*map(str, Color)]), default="auto",
          help="auto, always or never.", show_default=True),
    _text("--timeout", group=_RUN, metavar="DURATION", type=Parsed(parse_timeout), default="45s",
          help="Time for the whole run.", show_default=True),
    _text("--concurrency", group=_RUN, metavar="N", type=click.IntRange(min=1, max=64), default=8,
          help="How many objects are written at a time.", show_default=True),
    GroupedOption("-v", "--verbose", group=_RUN, count=True, help="Log more: -v what is done, -vv every request."),
    _text("--log-format", group=_RUN, metavar="FORMAT", type=click.Choice([*map(str, LogFormat)]), default="text",
          help="text or json, on stderr.", show_default=True),
    _text("--metrics-file", group=_METRICS, metavar="FILE", type=Parsed(parse_file),
          help="Write metrics here, for node exporter's textfile collector, which reads only names that end in .prom."),
    _text("--pushgateway", group=_METRICS, metavar="URL", type=Parsed(parse_gateway),
          help="Push metrics there; if it is down, that is only a warning."),
)  # fmt: skip
