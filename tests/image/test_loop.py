"""The command of deploy/loop in the image: its shell and its programs are there."""

from __future__ import annotations

import yaml

from tests.image.build import Image
from tests.image.container import Container
from tests.scenarios.command import ROOT


def command() -> list[str]:
    """Return the command that the component gives the container."""
    component = yaml.safe_load((ROOT / "deploy" / "loop" / "kustomization.yaml").read_text())
    (patch,) = (yaml.safe_load(patch["patch"]) for patch in component["patches"] if "Deployment" in patch["patch"])
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    found: list[str] = container["command"]
    return found


def test_a_wrong_option_ends_the_loop(image: Image) -> None:
    done = Container(image, variables={"PAUSE": "0", "STATE": "/run/loop"}).run(
        "--no-such-option", entry_point=command()
    )
    assert (done.returncode, "No such option" in done.stderr, done.stdout) == (2, True, "")


def test_its_programs_are_there(container: Container) -> None:
    script = "for program in sh sleep test rm; do command -v $program; done"
    done = container.run(script, entry_point=["/bin/sh", "-c"])
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 4), done
