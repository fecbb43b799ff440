"""Adds a release of Kubernetes to those that can be built: python -m lab.controlplane.new_release 1.38.0."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.controlplane.golang import find_go
from lab.controlplane.releases import FOLDER, Release, all_releases

TEMPLATE = """module barrelman-sync/lab/controlplane

go {go}

require (
	github.com/spf13/cobra {cobra}
	go.etcd.io/etcd/server/v3 {etcd}
	k8s.io/component-base v0.{patch}
	k8s.io/kubernetes v1.{patch}
)

// k8s.io/kubernetes asks for its staging modules at v0.0.0; each stands for the published module of the same release.
replace (
{replaced}
)
"""


def main(version: str) -> None:
    """Write the folder of this patch release, or write it again for another patch of the same minor release."""
    if not re.fullmatch(r"1\.\d+\.\d+", version):
        sys.exit(f"{version} is no patch release, such as 1.38.0")
    downloaded = json.loads(_go(["mod", "download", "-json", f"k8s.io/kubernetes@v{version}"]))
    release = Release((1, int(version.split(".")[1])))
    release.module.mkdir(exist_ok=True)
    (release.module / "go.mod").write_text(go_mod(version, Path(downloaded["GoMod"]).read_text()))
    link = release.module / "main.go"
    if not link.is_symlink():
        link.symlink_to("../../main.go")
    _go(["mod", "tidy"], release.module)


def go_mod(version: str, upstream: str) -> str:
    """Return our go.mod, without indirect requirements, for Kubernetes' own of this version.

    Modules that both require have the version that Kubernetes was released with.
    """
    patch = version.removeprefix("1.")
    staging = re.findall(r"^\s(k8s\.io/\S+) => \./staging/", upstream, re.MULTILINE)
    return TEMPLATE.format(
        go=_found(r"^go (\S+)", upstream),
        cobra=_found(r"^\sgithub\.com/spf13/cobra (\S+)", upstream),
        etcd=_found(r"^\sgo\.etcd\.io/etcd/server/v3 (\S+)", upstream),
        patch=patch,
        replaced="\n".join(f"\t{module} => {module} v0.{patch}" for module in staging),
    )


def _found(pattern: str, text: str) -> str:
    return next(match[1] for match in re.finditer(pattern, text, re.MULTILINE))


def _go(arguments: Sequence[str], folder: Path = FOLDER) -> str:
    go = find_go(all_releases()[-1].module)
    command = [str(go.path), *arguments]
    done = subprocess.run(command, cwd=folder, env=go.environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"go {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    main(*sys.argv[1:] or sys.exit(__doc__))
