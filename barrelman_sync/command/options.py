"""The options of the command: names, groups, defaults and help texts."""

from enum import StrEnum
from typing import Any

import click

from barrelman_sync.command.completion import complete_contexts, complete_files
from barrelman_sync.command.parameters import GroupedOption, Parsed
from barrelman_sync.command.values import (
    parse_email,
    parse_file,
    parse_fingerprint,
    parse_gateway,
    parse_given,
    parse_grace,
    parse_ignored,
    parse_limit,
    parse_namespace,
    parse_network,
    parse_resource,
    parse_service,
    parse_timeout,
)
from barrelman_sync.model.selector import label_value, parse_selector
from barrelman_sync.model.settings import Color, LogFormat, Output, RemoteEndpoint

ENVIRONMENT_PREFIX = "BARRELMAN_SYNC"


def _text(*names: str, group: str, metavar: str, help: str, **attributes: Any) -> GroupedOption:  # noqa: A002
    return GroupedOption(*names, group=group, metavar=metavar, help=help, **attributes)


def _choice(*names: str, group: str, of: type[StrEnum], default: str, help: str) -> GroupedOption:  # noqa: A002
    values = click.Choice([*map(str, of)])
    return GroupedOption(*names, group=group, type=values, default=default, show_default=True, help=help)


def _flag(*names: str, group: str, help: str) -> GroupedOption:  # noqa: A002
    return GroupedOption(*names, group=group, is_flag=True, help=help)


_LOCAL, _REMOTE, _IDENTITY = "Local cluster", "Remote cluster", "Name of the remote cluster"
_SCOPE, _ENDPOINTS, _SAFETY, _RUN, _METRICS = "What is mirrored", "Endpoints", "Safety", "Run", "Metrics"

_NOT_EMPTY, _GOOGLE_NAME = Parsed(parse_given), Parsed(parse_resource)

OPTIONS: tuple[click.Parameter, ...] = (
    _text("--local-kubeconfig", group=_LOCAL, metavar="FILE", type=_NOT_EMPTY,
          shell_complete=complete_files,
          help="Kubeconfig of the cluster to write to. Without --local-kubeconfig and --local-context, barrelman-sync"
               " uses the service account of the pod that it runs in."),
    _text("--local-context", group=_LOCAL, metavar="NAME", type=_NOT_EMPTY,
          shell_complete=complete_contexts,
          help="Kubeconfig context to use; without --local-kubeconfig it is looked up in $KUBECONFIG or"
               " ~/.kube/config. Default: the current context."),
    _text("--remote-project", group=_REMOTE, metavar="ID", type=_GOOGLE_NAME,
          help="Google Cloud project of the GKE cluster to mirror."),
    _text("--remote-location", "--remote-zone", group=_REMOTE, metavar="LOCATION", type=_GOOGLE_NAME,
          envvar=[f"{ENVIRONMENT_PREFIX}_REMOTE_LOCATION", f"{ENVIRONMENT_PREFIX}_REMOTE_ZONE"],
          help="Zone or region of the GKE cluster."),
    _text("--remote-cluster-name", group=_REMOTE, metavar="NAME", type=_GOOGLE_NAME, help="Name of the GKE cluster."),
    _choice("--remote-endpoint", group=_REMOTE, of=RemoteEndpoint, default="auto",
            help="Endpoint of the GKE control plane to connect to; auto prefers public, then dns, then private."),
    _text("--impersonate-service-account", group=_REMOTE, metavar="EMAIL", type=Parsed(parse_email),
          help="Google service account to impersonate; the application default credentials must allow that."),
    _text("--remote-kubeconfig", group=_REMOTE, metavar="FILE", type=_NOT_EMPTY,
          shell_complete=complete_files,
          help="Kubeconfig of the cluster to mirror, instead of the options for a GKE cluster."),
    _text("--remote-context", group=_REMOTE, metavar="NAME", type=_NOT_EMPTY,
          shell_complete=complete_contexts,
          help="Kubeconfig context to use; without --remote-kubeconfig it is looked up in $KUBECONFIG or"
               " ~/.kube/config. Default: the current context."),
    _text("--remote-name", group=_IDENTITY, metavar="NAME", type=Parsed(label_value),
          help="Name that is stored as a label on every object that barrelman-sync writes. Default: the name of the GKE"
               " cluster or kubeconfig context; of a context that gcloud or the AWS CLI made, its cluster's name."),
    _text("--adopt-source", group=_IDENTITY, metavar="NAME", type=Parsed(label_value),
          help="Take over the objects that were written under this former --remote-name, or under the same name by a"
               " cluster that is gone."),
    _text("--namespace", group=_SCOPE, metavar="NAME", multiple=True, type=Parsed(parse_namespace),
          help="Work in this namespace only, in both clusters; repeatable. Default: all namespaces."),
    _text("--ignore-namespace", group=_SCOPE, metavar="NAME", multiple=True, type=Parsed(parse_ignored),
          help="Mirror nothing in this namespace, and leave the mirrors in it; repeatable. Default: kube-system;"
               " --ignore-namespace=-kube-system mirrors it."),
    _text("--service-selector", group=_SCOPE, metavar="SELECTOR", type=Parsed(parse_selector),
          help="Mirror only remote Services whose labels match this label selector, in the syntax of kubectl:"
               " tier=web,team in (a,b),!internal."),
    _flag("--include-loadbalancers", group=_SCOPE, help="Also mirror Services of type LoadBalancer."),
    _flag("--nodeportsvc", group=_SCOPE,
          help="Create mirrors as Services of type NodePort, with the node ports of the remote Service."),
    _flag("--no-create-namespaces", group=_SCOPE,
          help="Never create a namespace; Services whose namespace is missing in the local cluster are not mirrored."),
    _text("--node-selector", group=_ENDPOINTS, metavar="SELECTOR", type=Parsed(parse_selector),
          help="Use only remote nodes that match this label selector, in the syntax of kubectl:"
               " pool=a,zone!=b,gpu,os in (x,y)."),
    _flag("--use-excluded-nodes", group=_ENDPOINTS,
          help="Use nodes although they carry the label node.kubernetes.io/exclude-from-external-load-balancers, for"
               " small clusters in which every node is a control-plane node."),
    _text("--allowed-node-cidr", group=_ENDPOINTS, metavar="CIDR", multiple=True, type=Parsed(parse_network),
          help="Use only node addresses in this network; repeatable."),
    _text("--max-endpoints", group=_ENDPOINTS, metavar="N", type=click.IntRange(min=0), default=250, show_default=True,
          help="Use at most N nodes for each Service, balanced across zones; 0 means no limit."
               " Without --endpoint-slices, never more than 1000."),
    _flag("--endpoint-slices", group=_ENDPOINTS, help="Write EndpointSlices instead of Endpoints."),
    _flag("--prefer-same-zone", group=_ENDPOINTS,
          help="With --endpoint-slices: tell kube-proxy the zone of each node, so that calls stay in the caller's zone"
               " where a node of this zone serves the Service."),
    _text("--max-deletes", group=_SAFETY, metavar="N|N%", type=Parsed(parse_limit),
          help="Hold deletes back if a run would remove more than N Services (or N% of the managed ones). Default: 10"
               " or 30%, whichever is larger."),
    _flag("--allow-mass-delete", group=_SAFETY,
          help="Delete everything that the plan says, however much: no guard holds deletes back in this run."),
    _text("--delete-grace", group=_SAFETY, metavar="DURATION", type=Parsed(parse_grace), default="0s",
          show_default=True,
          help="Delete a mirror that is no longer wanted only after this time, such as 30m or 24h. Until then, the"
               " mirror is marked, and its endpoints follow the nodes."),
    _flag("--preflight", group=_RUN,
          help="Check access, permissions and node-port reachability, print the result and exit. Writes nothing."),
    _flag("--dry-run", group=_RUN,
          help="Print the plan and exit. Writes nothing; needs only get and list permissions."),
    _text("--explain", group=_RUN, metavar="NAMESPACE/NAME", type=Parsed(parse_service),
          help="Tell why one Service is mirrored or not, which nodes serve it and what a run would do, and exit. Writes"
               " nothing; needs only get and list permissions."),
    _flag("--detailed-exitcode", group=_RUN, help="With --dry-run: exit 4 if the plan has changes."),
    _choice("-o", "--output", group=_RUN, of=Output, default="text", help="Format of the plan and result on stdout."),
    _text("--expect-plan", group=_RUN, metavar="FINGERPRINT", type=Parsed(parse_fingerprint),
          help="Write only if the plan still has this fingerprint (printed by --dry-run); otherwise exit 1."),
    _choice("--color", group=_RUN, of=Color, default="auto",
            help="Color the text output; auto means only on a terminal and not if $NO_COLOR is set."),
    _text("--timeout", group=_RUN, metavar="DURATION", type=Parsed(parse_timeout), default="45s", show_default=True,
          help="Time limit for the whole run, such as 90s, 5m or 1h30m."),
    _text("--concurrency", group=_RUN, metavar="N", type=click.IntRange(min=1, max=64), default=8, show_default=True,
          help="Number of Services to write at the same time; one that takes longer than a second no longer counts."),
    GroupedOption("-v", "--verbose", group=_RUN, count=True,
                  help="Log more: -v logs each write, -vv each request as well."),
    _flag("-q", "--quiet", group=_RUN,
          help="Print only changes, failures, what is held back, and the summary."),
    _choice("--log-format", group=_RUN, of=LogFormat, default="text", help="Format of the log on stderr."),
    _text("--metrics-file", group=_METRICS, metavar="FILE", type=Parsed(parse_file), shell_complete=complete_files,
          help="Write metrics to this file for the textfile collector of node exporter, which reads only names that end"
               " in .prom."),
    _text("--pushgateway", group=_METRICS, metavar="URL", type=Parsed(parse_gateway),
          help="Push metrics to this Pushgateway; a push that fails is only a warning."),
)  # fmt: skip
