"""Keep both clusters running, so that somebody can try things by hand."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import yaml

from lab.controlplane import ControlPlane
from lab.demo import tables, terminal
from lab.demo.stage import COMMAND, FILES, Stage, UnexpectedError

LOOK = (
    "kubectl --kubeconfig remote/admin.kubeconfig get nodes,services --all-namespaces",
    "kubectl --kubeconfig local/admin.kubeconfig get services,endpoints --all-namespaces",
)
NOT_READY = '{"status":{"conditions":[{"type":"Ready","status":"False"}]}}'
CHANGE = (
    ("delete a service", "delete service coupons -n shop"),
    ("lose a node", f"patch node node-c --subresource=status -p '{NOT_READY}'"),
    ("add a service", "create service nodeport cart -n shop --tcp=80"),
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
    _explain(stage)
    terminal.heading("Both clusters run until you press Ctrl-C here")
    _wait(stage)


def _explain(stage: Stage) -> None:
    admins = [plane.kubeconfig() for plane in (stage.remote, stage.local)]
    terminal.heading("In another terminal")
    terminal.line(f"cd {stage.folder}")
    terminal.line(f'PATH="{Path(sys.executable).parent}:$PATH"')
    terminal.line()
    terminal.line(f"{COMMAND} --dry-run")
    terminal.line(COMMAND)
    _explain_kubectl() if shutil.which("kubectl") else _explain_curl(stage)
    terminal.heading("Kubeconfigs")
    terminal.table(
        ("FILE", "PERMISSIONS"),
        [
            *((str(path), "all") for path in admins),
            (str(stage.folder / FILES["remote"]), "rbac-remote.yaml"),
            (str(stage.folder / FILES["local"]), "rbac.yaml"),
        ],
    )


def _explain_kubectl() -> None:
    terminal.heading("Look around")
    for command in LOOK:
        terminal.line(command)
    terminal.heading("Change the remote, then run barrelman-sync again")
    for what, command in CHANGE:
        terminal.line(f"# {what}")
        terminal.line(f"kubectl --kubeconfig remote/admin.kubeconfig {command}")


def _explain_curl(stage: Stage) -> None:
    terminal.heading("Look around, and change the remote (without kubectl, which is not in the PATH)")
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
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise UnexpectedError(failure)
