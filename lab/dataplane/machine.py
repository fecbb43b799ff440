"""What the machine must allow, so that the data plane can run on it without root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

from lab.controlplane.golang import NoControlPlane

PACKAGES = {"nft": "nftables", "ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "mount": "mount"}
SYSTEM = "/usr/sbin:/sbin"  # an ordinary user's PATH may lack these, and ip and nft are there
UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--mount")
# One of each that the data plane makes: a private /run, a bridge, a pair of interfaces, a namespace, rules.
TRIAL = """
mount -t tmpfs tmpfs /run
ip netns add trial
ip link add name br0 type bridge
ip link add name one type veth peer name two netns trial
nft add table ip trial
ip netns exec trial true
"""


class NoDataPlane(NoControlPlane):
    """The data plane cannot run here. The text says why, and what to install."""


def environment() -> dict[str, str]:
    """Return the environment for programs in the network: the system's own programs are in its PATH."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM}"}


def check() -> None:
    """Raise NoDataPlane if something is missing here that the data plane needs."""
    if missing := sorted(set(_missing_packages())):
        programs = ", ".join(program for program, package in PACKAGES.items() if package in missing)
        raise NoDataPlane(f"missing: {programs}; install {' '.join(missing)}")
    command = [*UNSHARE, "sh", "-euc", TRIAL]
    tried = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise NoDataPlane(
            f"this machine does not allow network namespaces in a user namespace: {tried.stderr.strip()} (needed: user"
            " namespaces, which a container, user.max_user_namespaces or kernel.apparmor_restrict_unprivileged_userns"
            " may forbid, and the kernel modules bridge, veth and nf_tables)"
        )


def _missing_packages() -> Iterator[str]:
    path = environment()["PATH"]
    return (package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None)
