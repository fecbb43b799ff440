"""Runs commands on the stand-in for the image's base, with the checkout and the settings of pip at their places."""

from __future__ import annotations

from pathlib import Path

from lab.controlplane.golang import cache_folder
from lab.release import stand_in
from lab.release.buildah import isolated, locked, which
from lab.release.image import base_name
from lab.release.problem import ReleaseError

# Arguments: root, working directory, places of this machine that the command needs, "--", and the command. In a mount
# namespace of its own, nothing stays mounted. A chroot would not do: the tests make user namespaces, which the kernel
# refuses to a process in a chroot.
SCRIPT = """
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
root=$1 folder=$2
shift 2
mount --bind "$root" "$root"
mount -t tmpfs tmpfs "$root/tmp"
for place in /dev /proc /sys; do mount --rbind "$place" "$root$place"; done
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$1"; else touch "$root$1"; fi
  mount --bind "$(readlink -f "$1")" "$root$1"
  shift
done
shift
cd "$root"
pivot_root . mnt
umount --lazy /mnt
cd "$folder"
exec "$@"
"""
SETTINGS = ("/etc/hosts", "/etc/pip.conf", "/etc/resolv.conf", "/etc/ssl/certs", "~/.config/pip", "~/.cache/pip")


def inside(checkout: Path) -> list[str]:
    """Return the words before a command that run it on the stand-in. Raise ReleaseError if this machine cannot."""
    stand_in.demand()
    if missing := [program for program in ("unshare", "pivot_root") if not which(program)]:
        raise ReleaseError(f"There is no {' and no '.join(missing)}.")
    cache_folder().mkdir(parents=True, exist_ok=True)
    places = [checkout, cache_folder(), *(path for text in SETTINGS if (path := Path(text).expanduser()).exists())]
    start = ["unshare", "--mount", "--propagation=private", "sh", "-c", SCRIPT, "sh"]
    return [*start, str(_files(checkout)), str(checkout), *map(str, places), "--"]


def _files(checkout: Path) -> Path:
    """Return the folder with the files of the stand-in, made if it is not there yet."""
    base, buildah = base_name((checkout / "Dockerfile").read_text()), isolated()
    name = f"tests-on-{base.replace(':', '-')}"
    with locked():
        stand_in.ensure(buildah, base)
        if name not in buildah("containers", "--format", "{{.ContainerName}}").split():
            buildah("from", "--pull-never", "--name", name, base)
        return Path(buildah("mount", name).strip())
