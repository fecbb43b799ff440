"""`python -m lab.release VERSION`: makes the release, as `make release` does. docs/releasing.md tells the whole way."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from lab.clients import client
from lab.controlplane import NoControlPlane
from lab.release import stand_in
from lab.release.buildah import Buildah, isolated, locked, which
from lab.release.checkout import Checkout
from lab.release.dist import Images, Release, fill
from lab.release.image import base_name, checked_name
from lab.release.prepare import prepare
from lab.release.problem import ReleaseError
from lab.release.version import checked

INSTEAD = "Or leave the image and the manifests out: ARGS=--no-image."


@dataclass(frozen=True)
class Choices:
    """What the maintainer asked for."""

    image: str
    no_image: bool
    stand_in_base: bool


@click.command()
@click.argument("version")
@click.option("--image", default="barrelman-sync", help="Where the image will be pushed, without a tag.")
@click.option("--no-image", is_flag=True, help="Make neither the image nor the manifests that name it.")
@click.option("--stand-in-base", is_flag=True, help="Build on a base by debootstrap: for a trial, not to be published.")
def main(version: str, image: str, *, no_image: bool, stand_in_base: bool) -> None:
    """Make all that is published of VERSION, in dist/, from the commit that is checked out."""
    try:
        _release(Checkout(Path.cwd()), version, Choices(image, no_image, stand_in_base))
    except ReleaseError as error:
        sys.exit(f"release: {error}")
    except NoControlPlane as error:
        sys.exit(f"release: There is no kubectl, which renders the manifests: {error} {INSTEAD}")


def _release(checkout: Checkout, version: str, choices: Choices) -> None:
    checkout.demand_clean()
    checked(version)
    checked_name(choices.image)
    with _images(checkout, choices) as images:
        if prepare(checkout, version, datetime.now(UTC).date()):
            _say(f"made the commit 'Release {version}': the version, and its section in CHANGELOG.md")
        with _unfinished(checkout.root) as folder:
            source, made = checkout.export(folder / "source"), folder / "dist"
            made.mkdir()
            fill(made, Release(version, checkout.head(), source, _say), images)
            dist = checkout.root / "dist"
            shutil.rmtree(dist, ignore_errors=True)
            made.rename(dist)
    _tell(dist, version)


@contextmanager
def _images(checkout: Checkout, choices: Choices) -> Iterator[Images | None]:
    """Yield how images are built, once all that this needs is known to be there."""
    if choices.no_image:
        yield None
        return
    base = base_name(checkout.read("Dockerfile"))
    if choices.stand_in_base:
        stand_in.demand()
        client("kubectl")
        with locked():
            stand_in.ensure(isolated(), base)
            yield Images(isolated(), choices.image)
        return
    if not which("buildah"):
        raise ReleaseError(f"There is no buildah, which builds the image: install buildah. {INSTEAD}")
    client("kubectl")
    _say(f"pulling {base}")
    _pull(Buildah(), base)
    yield Images(Buildah(), choices.image)


def _pull(buildah: Buildah, base: str) -> None:
    try:
        buildah("pull", "--quiet", "--policy=always", base)
    except ReleaseError as error:
        trial = "For a trial without a registry: ARGS=--stand-in-base."
        raise ReleaseError(f"The base of the image cannot be pulled. {trial} {INSTEAD}\n{error}") from error


@contextmanager
def _unfinished(root: Path) -> Iterator[Path]:
    """Yield a folder for what is not complete yet, on the file system of the checkout; git ignores it."""
    (root / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / "build", prefix="release-") as folder:
        yield Path(folder)


def _tell(dist: Path, version: str) -> None:
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>12,}  dist/{path.name}")
    print(f"Next: git tag --annotate --message 'barrelman-sync {version}' v{version}, and push the commit and the tag.")


def _say(what: str) -> None:
    print(f"release: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
