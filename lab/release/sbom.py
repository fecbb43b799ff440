"""Software bills of materials in CycloneDX: what is in the packages, and what is in the image."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from lab.release.checkout import Commit
from lab.release.licenses import declared
from lab.release.lock import Requirement

NAME = "barrelman-sync"
_ORIGIN = uuid.UUID("6f5f8f0c-6f0b-4c55-9d0f-0d3e5b8a6a52")  # ours, so that serial numbers follow from the content


@dataclass(frozen=True)
class Subject:
    """The thing whose parts are listed."""

    version: str
    commit: Commit
    image_digest: str | None = None
    """`sha256:...`, if the thing is the image."""


def sbom(subject: Subject, lock: Sequence[Requirement], more: Iterable[Component] = ()) -> str:
    """Return the packages of the lock, with the files that it allows and who wants them, and `more`, as valid JSON."""
    root = _root(subject)
    packages = {requirement.name: _component(requirement) for requirement in lock}
    others = list(more)
    bom = Bom(
        components=[*packages.values(), *others], serial_number=_serial(subject), metadata=_metadata(subject, root)
    )
    for name, component in {NAME: root, **packages}.items():
        wanted = [packages[requirement.name] for requirement in lock if name in requirement.wanted_by]
        bom.register_dependency(component, [*wanted, *(others if component is root else ())])
    return validated(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


def validated(text: str) -> str:
    """Return the document; raise ValueError if it is not what the schema of CycloneDX 1.6 says."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error:
        raise ValueError(f"the SBOM breaks the schema of CycloneDX: {error}")
    return text


def _root(subject: Subject) -> Component:
    digest = subject.image_digest
    purl = PackageURL("oci", None, NAME, digest) if digest else PackageURL("pypi", None, NAME, subject.version)
    kind = ComponentType.CONTAINER if digest else ComponentType.APPLICATION
    licenses = declared(NAME)
    return Component(
        name=NAME, version=subject.version, type=kind, purl=purl, bom_ref=purl.to_string(), licenses=licenses
    )


def _component(requirement: Requirement) -> Component:
    purl = PackageURL("pypi", None, requirement.name, requirement.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{requirement.name}/{requirement.version}/#files"),
        comment="any of the files that the lock allows",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in requirement.hashes],
    )
    return Component(
        name=requirement.name,
        version=requirement.version,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=declared(requirement.name),
        external_references=[files],
    )


def _serial(subject: Subject) -> uuid.UUID:
    return uuid.uuid5(_ORIGIN, f"{subject.version} {subject.commit.revision} {subject.image_digest}")


def _metadata(subject: Subject, root: Component) -> BomMetaData:
    return BomMetaData(component=root, timestamp=datetime.fromtimestamp(subject.commit.epoch, UTC))
