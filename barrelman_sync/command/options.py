"""The command's options, and the settings that their values become. Every problem is reported, not only the first."""

import os
from collections.abc import Callable
from difflib import get_close_matches
from itertools import groupby
from typing import Any

import click

from barrelman_sync.command.remote import remote_of, remote_problems
from barrelman_sync.command.values import (
    ignored_namespaces,
    parse_duration,
    parse_file,
    parse_fingerprint,
    parse_gateway,
    parse_given,
    parse_ignored,
    parse_limit,
    parse_network,
)
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.selector import label_value, parse_selector
from barrelman_sync.model.settings import (
    Colour,
    DeleteLimit,
    EndpointRules,
    InCluster,
    Kubeconfig,
    MetricsRules,
    NodeRules,
    Output,
    RemoteEndpoint,
    RunRules,
    Safety,
    Scope,
    Settings,
)

ENVIRONMENT_PREFIX = "BARRELMAN_SYNC"
_PROBLEMS = f"{__name__}.problems"
_ALIKE = 0.8
"""How close a variable has to be to an option to be one that is misspelt; others are somebody else's."""

Values = dict[str, Any]


class Parsed(click.ParamType[Any]):
    """A text that a function of `config` turns into a value, with its ValueError as the message."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value; a default is one already."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class GroupedOption(click.Option):
    """An option that is listed under a heading, and whose wrong value does not hide the problems of the others."""

    def __init__(self, *names: str, group: str, **attributes: Any) -> None:
        super().__init__(names, **attributes)
        self.group = group

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """The value, or None with the problem noted for `settings_of`."""
        try:
            return super().process_value(ctx, value)
        except click.BadParameter as error:
            error.ctx, error.param = ctx, self
            ctx.meta.setdefault(_PROBLEMS, []).append(error.format_message())
            return None


class GroupedCommand(click.Command):
    """A command that lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section a group, in the order of the options."""
        options = [option for option in self.get_params(ctx) if isinstance(option, GroupedOption)]
        for group, members in groupby(options, key=lambda option: option.group):
            with formatter.section(group):
                formatter.write_dl([record for option in members if (record := option.get_help_record(ctx))])
        super_options = [option for option in self.get_params(ctx) if not isinstance(option, GroupedOption)]
        with formatter.section("Other"):
            formatter.write_dl([record for option in super_options if (record := option.get_help_record(ctx))])


def _text(*names: str, group: str, metavar: str, help: str, **attributes: Any) -> GroupedOption:  # noqa: A002
    return GroupedOption(*names, group=group, metavar=metavar, help=help, **attributes)


def _flag(*names: str, group: str, help: str) -> GroupedOption:  # noqa: A002
    return GroupedOption(*names, group=group, is_flag=True, help=help)


_LOCAL, _REMOTE, _IDENTITY = "Local cluster", "Remote cluster", "Identity"
_SCOPE, _ENDPOINTS, _SAFETY, _RUN, _METRICS = "What is mirrored", "Endpoints", "Safety", "Run", "Metrics"

_NOT_EMPTY = Parsed("text", parse_given)

OPTIONS: tuple[click.Parameter, ...] = (
    _text("--local-kubeconfig", group=_LOCAL, metavar="FILE", type=_NOT_EMPTY,
          help="Kubeconfig of the local cluster. Without it and --local-context: the pod's service account."),
    _text("--local-context", group=_LOCAL, metavar="NAME", type=_NOT_EMPTY,
          help="Context in it, or alone in the default kubeconfig. Default: its current context."),
    _text("--remote-project", group=_REMOTE, metavar="ID", help="Google Cloud project of a remote GKE cluster."),
    _text("--remote-location", "--remote-zone", group=_REMOTE, metavar="PLACE",
          envvar=[f"{ENVIRONMENT_PREFIX}_REMOTE_LOCATION", f"{ENVIRONMENT_PREFIX}_REMOTE_ZONE"],
          help="Its zone or region."),
    _text("--remote-cluster-name", group=_REMOTE, metavar="NAME", help="Its name."),
    _text("--remote-endpoint", group=_REMOTE, metavar="KIND", type=click.Choice([*map(str, RemoteEndpoint)]),
          default="auto", show_default=True,
          help="By which address: public, private or dns; auto takes public, else dns, else private."),
    _text("--impersonate-service-account", group=_REMOTE, metavar="EMAIL",
          help="Act as this Google service account, not as the one whose credentials are found."),
    _text("--remote-kubeconfig", group=_REMOTE, metavar="FILE", type=_NOT_EMPTY,
          help="Kubeconfig of any other remote cluster."),
    _text("--remote-context", group=_REMOTE, metavar="NAME", type=_NOT_EMPTY,
          help="Context in it, or alone in the default kubeconfig. Default: its current context."),
    _text("--remote-name", group=_IDENTITY, metavar="NAME", type=Parsed("name", label_value),
          help="Name of the remote, kept as a label on all we create. Default: that of the GKE cluster or context."),
    _text("--adopt-source", group=_IDENTITY, metavar="OLD", type=Parsed("name", label_value),
          help="Take over what was mirrored under this other name."),
    _text("--ignore-namespace", group=_SCOPE, metavar="NAME", multiple=True, type=Parsed("name", parse_ignored),
          help="Namespace to leave out on both sides; repeatable. kube-system is one; -kube-system takes it in again."),
    _flag("--include-loadbalancers", group=_SCOPE, help="Mirror Services of type LoadBalancer too."),
    _flag("--nodeportsvc", group=_SCOPE, help="Make mirrors of type NodePort, with the remote's node ports."),
    _flag("--no-create-namespaces", group=_SCOPE, help="Leave out Services whose namespace does not exist locally."),
    _text("--node-selector", group=_ENDPOINTS, metavar="SELECTOR", type=Parsed("selector", parse_selector),
          help="Use only nodes with these labels, as kubectl selects: pool=a,zone!=b,gpu,os in (x,y)."),
    _text("--allowed-node-cidr", group=_ENDPOINTS, metavar="CIDR", multiple=True, type=Parsed("cidr", parse_network),
          help="Use only node addresses in this network; repeatable."),
    _text("--max-endpoints", group=_ENDPOINTS, metavar="N", type=click.IntRange(min=0), default=250, show_default=True,
          help="Use at most N nodes for each Service, a stable choice balanced over zones; 0 for all."),
    _flag("--endpoint-slices", group=_ENDPOINTS, help="Write EndpointSlices instead of Endpoints."),
    _text("--max-deletes", group=_SAFETY, metavar="N|N%", type=Parsed("limit", parse_limit),
          help="Hold all deletes back if there are more. Default: 10, or 30% of what we own if that is more."),
    _flag("--allow-mass-delete", group=_SAFETY, help="Let this run delete as much as it plans to."),
    _flag("--preflight", group=_RUN,
          help="Only try what a run needs, and tell it as text: access, rights, the way to the node ports."),
    _flag("--dry-run", group=_RUN, help="Print the plan and stop. Needs only get and list."),
    _flag("--detailed-exitcode", group=_RUN, help="With --dry-run: exit 4 if there are changes."),
    _text("-o", "--output", group=_RUN, metavar="FORMAT", type=click.Choice([*map(str, Output)]), default="text",
          help="text, json or yaml.", show_default=True),
    _text("--expect-plan", group=_RUN, metavar="FINGERPRINT", type=Parsed("fingerprint", parse_fingerprint),
          help="Write only if the plan is the one that a dry run printed this fingerprint of."),
    _text("--color", group=_RUN, metavar="WHEN", type=click.Choice([*map(str, Colour)]), default="auto",
          help="auto, always or never.", show_default=True),
    _text("--timeout", group=_RUN, metavar="DURATION", type=Parsed("duration", parse_duration), default="45s",
          help="Time for the whole run.", show_default=True),
    _text("--concurrency", group=_RUN, metavar="N", type=click.IntRange(min=1, max=64), default=8,
          help="How many objects are written at a time.", show_default=True),
    GroupedOption("-v", "--verbose", group=_RUN, count=True, help="Log more: -v what is done, -vv every request."),
    _text("--log-format", group=_RUN, metavar="FORMAT", type=click.Choice(["text", "json"]), default="text",
          help="text or json, on stderr.", show_default=True),
    _text("--metrics-file", group=_METRICS, metavar="FILE", type=Parsed("file", parse_file),
          help="Write metrics here, for node exporter's textfile collector, which reads only names that end in .prom."),
    _text("--pushgateway", group=_METRICS, metavar="URL", type=Parsed("url", parse_gateway),
          help="Push metrics there; if it is down, that is only a warning."),
)  # fmt: skip


def settings_of(ctx: click.Context, values: Values) -> Settings:
    """The settings that the options' values stand for. Raises ConfigurationError with every problem there is."""
    problems = [*ctx.meta.get(_PROBLEMS, []), *_conflicts(values)]
    if problems:
        raise ConfigurationError(*problems)
    return Settings(
        local=_local(values),
        remote=remote_of(values),
        scope=Scope(
            source=values["remote_name"] or "",
            adopted_source=values["adopt_source"],
            ignored_namespaces=ignored_namespaces(values["ignore_namespace"]),
            include_loadbalancers=values["include_loadbalancers"],
            nodeports=values["nodeportsvc"],
            create_namespaces=not values["no_create_namespaces"],
        ),
        nodes=NodeRules(values["node_selector"] or (), tuple(values["allowed_node_cidr"])),
        endpoints=EndpointRules(slices=values["endpoint_slices"], max_endpoints=values["max_endpoints"]),
        safety=Safety(values["max_deletes"] or DeleteLimit(), values["allow_mass_delete"]),
        run=RunRules(
            preflight=values["preflight"],
            dry_run=values["dry_run"],
            detailed_exitcode=values["detailed_exitcode"],
            output=Output(values["output"]),
            colour=Colour(values["color"]),
            expected_plan=values["expect_plan"],
            timeout=values["timeout"],
            concurrency=values["concurrency"],
        ),
        metrics=MetricsRules(values["metrics_file"], values["pushgateway"]),
    )


def _local(values: Values) -> Kubeconfig | InCluster:
    if values["local_kubeconfig"] or values["local_context"]:
        return Kubeconfig(values["local_kubeconfig"], values["local_context"])
    return InCluster()


def _conflicts(values: Values) -> list[str]:
    """What is wrong with the options taken together."""
    problems = [*remote_problems(values), *_misspelt()]
    if not values["local_kubeconfig"] and not values["local_context"] and not _in_pod():
        problems.append("Missing the local cluster: outside a pod, give '--local-kubeconfig' or '--local-context'.")
    if values["timeout"] == 0:
        problems.append("Invalid value for '--timeout': a run needs some time.")
    if values["detailed_exitcode"] and not values["dry_run"]:
        problems.append("'--detailed-exitcode' goes with '--dry-run'.")
    return problems


def _misspelt() -> list[str]:
    """Variables that look like an option of ours and are none: a dry run that is none would write."""
    known = [str(option.name).upper() for option in OPTIONS] + ["REMOTE_ZONE"]
    ours = (name.removeprefix(f"{ENVIRONMENT_PREFIX}_") for name in sorted(os.environ) if ENVIRONMENT_PREFIX in name)
    unknown = [name for name in ours if name not in known]
    return [
        f"Unknown variable '{ENVIRONMENT_PREFIX}_{name}': did you mean '{ENVIRONMENT_PREFIX}_{meant}'?"
        for name in unknown
        for meant in get_close_matches(name, known, 1, _ALIKE)
    ]


def _in_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ
