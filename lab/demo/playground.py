"""Keep both clusters running, so that somebody can try things by hand."""

from __future__ import annotations

import shutil
import time

import yaml

from lab.controlplane import ControlPlane
from lab.demo import tables, terminal
from lab.demo.calls import DNS, URL
from lab.demo.shell import Door, programs
from lab.demo.stage import COMMAND, FILES, Stage, UnexpectedError
from lab.demo.traffic import CALLER
from lab.demo.world import LOCAL_NODE

LOOK = (
    "kubectl --kubeconfig remote/admin.kubeconfig get nodes,services --all-namespaces",
    "kubectl --kubeconfig local/admin.kubeconfig get services,endpoints --all-namespaces",
)
NOT_READY = '{"status":{"conditions":[{"type":"Ready","status":"False"}]}}'
CHANGE = (
    ("delete a service", "delete service coupons -n shop"),
    ("say that a node is not ready (it goes on working)", f"patch node node-c --subresource=status -p '{NOT_READY}'"),
    ("add a service (without pods, so calls are refused)", "create service nodeport cart -n shop --tcp=80"),
    ("ignore a service", "annotate service web -n shop tfw.io/barrelman=ignore"),
    ("mirror this service again", "annotate service web -n shop tfw.io/barrelman-"),
)
CURL = (
    ("the remote's services", "curl -sK remote/curl.conf {remote}/api/v1/services"),
    ("the local endpoints", "curl -sK local/curl.conf {local}/api/v1/endpoints"),
    ("delete a service", "curl -sK remote/curl.conf -X DELETE {remote}/api/v1/namespaces/shop/services/coupons"),
)


def play(stage: Stage) -> None:
    """Print what to try, and keep the clusters running until Ctrl-C or SIGTERM."""
    terminal.heading("What is there")
    terminal.table(tables.REMOTE_TITLES, tables.remote_services(stage.remote.api))
    terminal.line()
    terminal.table(tables.LOCAL_TITLES, tables.local_services(stage.local.api))
    folder = str(stage.folder)
    door = stage.traffic.door(stage.folder) if stage.traffic else Door(folder, "playground", programs=programs())
    _explain(stage, door)
    door.open()
    terminal.heading("Both clusters run until you press Ctrl-C here")
    _wait(stage)


def _explain(stage: Stage, door: Door) -> None:
    admins = [plane.kubeconfig() for plane in (stage.remote, stage.local)]
    terminal.heading("In another terminal, in this folder")
    terminal.line("make shell")
    _explain_calls() if stage.traffic else _explain_command()
    has_kubectl = shutil.which("kubectl", path=door.environment()["PATH"])
    _explain_kubectl() if has_kubectl else _explain_curl(stage)
    terminal.heading("Kubeconfigs")
    terminal.table(
        ("FILE", "PERMISSIONS"),
        [
            *((str(path), "all") for path in admins),
            (str(stage.folder / FILES["remote"]), "rbac-remote.yaml"),
            (str(stage.folder / FILES["local"]), "rbac.yaml"),
        ],
    )


def _explain_command() -> None:
    terminal.heading("There: run barrelman-sync")
    terminal.line(f"{COMMAND} --dry-run")
    terminal.line(COMMAND)


def _explain_calls() -> None:
    terminal.heading(f"There, on the local node {LOCAL_NODE}: call by name, before and after a run")
    call = " ".join(CALLER)
    for what, command in (
        ("no such name, until barrelman-sync has run", f"{call} {URL}"),
        ("test what a run needs, the node ports, too", f"{COMMAND} --preflight"),
        ("show the plan, then run", f"{COMMAND} --dry-run"),
        ("", COMMAND),
        ("who answers, 10 times, and over UDP", f"dataplane call --count 10 {URL} udp://{DNS}:53"),
    ):
        if what:
            terminal.line(f"# {what}")
        terminal.line(command)


def _explain_kubectl() -> None:
    terminal.heading("There: look around")
    for command in LOOK:
        terminal.line(command)
    terminal.heading("There: change the remote, then run barrelman-sync again")
    for what, command in CHANGE:
        terminal.line(f"# {what}")
        terminal.line(f"kubectl --kubeconfig remote/admin.kubeconfig {command}")


def _explain_curl(stage: Stage) -> None:
    terminal.heading("There: look around, and change the remote (without kubectl, which is not in the PATH)")
    for plane in (stage.remote, stage.local):
        _write_curl_config(plane)
    for what, command in CURL:
        terminal.line(f"# {what}")
        terminal.line(command.format(remote=stage.remote.url, local=stage.local.url))


def _write_curl_config(plane: ControlPlane) -> None:
    path = plane.ca_file.with_name("curl.conf")
    path.touch(mode=0o600)
    token = yaml.safe_load(plane.kubeconfig().read_text())["users"][0]["user"]["token"]
    path.write_text(f'cacert = "{plane.ca_file}"\nheader = "Authorization: Bearer {token}"\n')


def _wait(stage: Stage) -> None:
    try:
        while not (failure := stage.remote.failure() or stage.local.failure()):
            if stage.traffic:
                stage.traffic.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise UnexpectedError(failure)
