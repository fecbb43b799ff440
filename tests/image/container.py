"""Runs an image as a kubelet would: as its user, on a root that nobody can write to, with the mounts of a pod."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.image.build import Image
from tests.scenarios.command import SECONDS

# In a mount namespace of its own, so nothing stays mounted. The network is this machine's: the clusters are there.
# Arguments: root, user, group, then folders and where they are mounted, "--", and the command.
SCRIPT = """
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1 user=$2 group=$3
shift 3
mount --bind "$root" "$root"
mounts=
while [ "$1" != -- ]; do
  mounts="$mounts $1:$(chroot "$root" sh -c 'mkdir -p "$1" && readlink -f "$1"' sh "$2")"
  shift 2
done
shift
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
for pair in $mounts; do
  mount --bind "${pair%%:*}" "$root${pair#*:}"
  mount -o remount,bind,ro "$root${pair#*:}"
done
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid --inh-caps=-all \
  chroot --userspec="$user:$group" --groups="$group" "$root" /usr/bin/env -i "$@"
"""

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Container:
    """One image with the files and variables of a pod."""

    image: Image
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Folders here by their place in the container."""
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, entry_point: Sequence[str] | None = None) -> Done:
        """Run the image's entry point, or another, to its end."""
        config = self.image.config
        user, group = config["User"].split(":")
        variables = [*config["Env"], *(f"{name}={value}" for name, value in self.variables.items())]
        mounts = [str(part) for place, folder in self.mounts.items() for part in (folder, place)]
        command = [*(entry_point or config["Entrypoint"]), *arguments]
        return subprocess.run(
            [
                *("unshare", "--mount", "--propagation=private", "sh", "-c", SCRIPT, "sh"),
                *(str(self.image.root), user, group, *mounts, "--", *variables, *command),
            ],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def python(self, code: str) -> Done:
        """Run a piece of Python with the image's own."""
        return self.run("-c", code, entry_point=["/opt/barrelman-sync/bin/python"])


def secret(folder: Path, files: Mapping[str, str], *, group: int, mode: int) -> Path:
    """Write files as they are in a volume: root's, readable for the pod's fsGroup."""
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.write_text(content)
        shutil.chown(path, 0, group)
        path.chmod(mode)
    folder.chmod(0o755)
    return folder
