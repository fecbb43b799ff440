"""The license of each package of the lock, as the package itself declares it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import License, LicenseAcknowledgement

LONGEST_NAME = 40  # some packages have the whole text where the name should be


def declared(name: str) -> list[License]:
    """Return the license of an installed package; nothing if it is not installed, as for another system."""
    try:
        about = metadata(name).json
    except PackageNotFoundError:
        return []
    said = _text(about.get("license_expression")) or _short(_text(about.get("license"))) or _classified(about)
    if not said:
        return []
    return [LicenseFactory().make_from_string(said, license_acknowledgement=LicenseAcknowledgement.DECLARED)]


def _short(said: str) -> str:
    return said if said != "UNKNOWN" and "\n" not in said and len(said) <= LONGEST_NAME else ""


def _classified(about: dict[str, str | list[str]]) -> str:
    classifiers = about.get("classifier", [])
    return next((line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")), "")


def _text(value: str | list[str] | None) -> str:
    return value if isinstance(value, str) else ""
