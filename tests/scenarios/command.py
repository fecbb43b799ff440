"""The command as a user runs it: a process of its own, under the shipped roles, its writes counted by the servers."""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from barrelman_sync.command.cli import main
from lab.controlplane import ControlPlane, Object, Request, wait_until
from tests.schema import valid

ROOT = Path(__file__).parents[2]
INSTALLED = Path(sysconfig.get_path("scripts")) / "barrelman-sync"
NAMESPACE = "barrelman-sync"  # of the service accounts in rbac.yaml and rbac-remote.yaml
READS = {"get", "list"}
SECONDS = 120  # for a busy machine; usually 0.1

# Every run is a process of its own, with its own signals, logs and environment, forked from one that has loaded the
# program already: 0.15 s a run. The installed script costs 0.6 s; test_usage.py runs that one too.
_fork = multiprocessing.get_context("forkserver")
PRELOAD = ("barrelman_sync.reconcile", "barrelman_sync.report.printer", "httpcore2", "jsonschema")
_fork.set_forkserver_preload([*PRELOAD])


@dataclass(frozen=True)
class Run:
    """What one run said, and what it asked of the servers."""

    exit_code: int
    stdout: str
    stderr: str
    requests: Sequence[Request] = field(repr=False)

    @property
    def writes(self) -> list[str]:
        """The write requests that reached a server, refused ones too."""
        wanted = (request for request in self.requests if request.verb not in READS)
        return [f"{ask.verb} {ask.resource} {ask.namespace}/{ask.name} {ask.status}" for ask in wanted]

    @property
    def document(self) -> dict[str, Any]:
        """What `-o json` printed."""
        return valid(json.loads(self.stdout))

    def line(self, *words: str) -> str:
        """Return the only line of the plan or its outcome that has all these words."""
        found = [line for line in self.stdout.splitlines() if all(word in line for word in words)]
        assert len(found) == 1, f"{len(found)} lines with {words} in:\n{self.stdout}{self.stderr}"
        return found[0]


class Running:
    """A run that goes on."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, sync: Sync) -> None:
        self._planes = [(plane, plane.mark()) for plane in (sync.local, sync.remote)]
        self._files = (folder / "stdout", folder / "stderr")
        for file in self._files:
            file.touch()
        self._process = _fork.Process(target=_run, args=(arguments, environment, *self._files))
        self._process.start()

    @property
    def pid(self) -> int:
        """The process id, for signals."""
        assert self._process.pid
        return self._process.pid

    def finish(self) -> Run:
        """Wait for its end."""
        self._process.join(SECONDS)
        exit_code = self._process.exitcode
        if exit_code is None:
            self._process.kill()
            raise TimeoutError(f"the command still ran after {SECONDS} s: {self._files[1].read_text()}")
        requests = [request for plane, mark in self._planes for request in plane.requests(since=mark)]
        stdout, stderr = (file.read_text() for file in self._files)
        return Run(exit_code, stdout, stderr, requests)


def _run(arguments: Sequence[str], environment: Mapping[str, str], stdout: Path, stderr: Path) -> None:
    """Be the command, in a fresh process."""
    os.environ.clear()
    os.environ.update(environment)
    for number, file in ((1, stdout), (2, stderr)):
        os.dup2(os.open(file, os.O_WRONLY), number)
    faulthandler.enable(2)  # so that a crash says where it was
    sys.argv = [str(INSTALLED), *arguments]
    main()


class Sync:
    """The command for two clusters, with the permissions that a user has who applied both files."""

    def __init__(self, remote: ControlPlane, local: ControlPlane, folder: Path) -> None:
        self.remote, self.local = remote, local
        self._folder = folder
        self._runs = count()
        folder.mkdir()
        self.local_token = _install(local, "rbac.yaml", "barrelman-sync", "endpoints")
        self.remote_token = _install(remote, "rbac-remote.yaml", "barrelman-sync-remote", "nodes")
        self.local_kubeconfig = local.kubeconfig(self.local_token, f"{folder.name}-local")
        self.remote_kubeconfig = remote.kubeconfig(self.remote_token, f"{folder.name}-remote")

    def __call__(self, *options: str, **environment: str) -> Run:
        """Run to the end; options given here win over the kubeconfigs."""
        return self.start(*options, **environment).finish()

    def start(self, *options: str, **environment: str) -> Running:
        """Begin a run and return at once."""
        folder = self._folder / str(next(self._runs))
        folder.mkdir()
        return Running(self._arguments(options), self._environment(environment), folder, self)

    def installed(self, *options: str, **environment: str) -> Run:
        """Run the installed script."""
        marks = [(plane, plane.mark()) for plane in (self.local, self.remote)]
        process = subprocess.run(
            [INSTALLED, *self._arguments(options)],
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        requests = [request for plane, mark in marks for request in plane.requests(since=mark)]
        return Run(process.returncode, process.stdout, process.stderr, requests)

    def converges(self, *options: str, **environment: str) -> Run:
        """Run, expect success, and expect that the next run sends no write at all."""
        run = self(*options, **environment)
        again = self(*options, **environment)
        assert (run.exit_code, again.exit_code, again.writes) == (0, 0, []), (run, again)
        return run

    def writes_nothing(self, *options: str, exit_code: int = 0, **environment: str) -> Run:
        """Run, and expect that no write reached a server."""
        run = self(*options, **environment)
        assert (run.exit_code, run.writes) == (exit_code, []), run
        return run

    def _arguments(self, options: Sequence[str]) -> list[str]:
        own = ["--local-kubeconfig", self.local_kubeconfig, "--remote-kubeconfig", self.remote_kubeconfig]
        return [*map(str, own), *options]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self._folder), **more}


def _install(plane: ControlPlane, file: str, account: str, resource: str) -> str:
    """Do what the README says, and return a token of the service account once its permissions count."""
    for obj in yaml.safe_load_all((ROOT / file).read_text()):
        plane.api.apply(obj)
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    wait_until(lambda: may(plane, user, "list", resource), f"the permissions of {user}")
    return plane.service_account_token(NAMESPACE, account)


def may(plane: ControlPlane, user: str, verb: str, resource: str) -> bool:
    """Say whether the API server would let the user do this in all namespaces."""
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": {"verb": verb, "resource": resource}},
    }
    answer = plane.api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    allowed: bool = answer["status"]["allowed"]
    return allowed
