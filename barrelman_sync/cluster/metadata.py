"""What the slim resource classes have in common: how they are decoded, and the metadata of an object."""

from collections.abc import Mapping

import msgspec

from barrelman_sync.model.names import (
    ENDPOINTS_MANAGED_BY,
    HEADLESS,
    IGNORE,
    MANAGED_BY,
    MARKER,
    OUR_ANNOTATIONS,
    PROXY_NAME,
    SERVICE_NAME,
    SKIP_MIRROR,
    SLICE_MANAGED_BY,
    SOURCE,
    Key,
    Revision,
)

_OUR_LABELS = (MARKER, SOURCE, MANAGED_BY, ENDPOINTS_MANAGED_BY, SLICE_MANAGED_BY, SERVICE_NAME)
_HIDING_LABELS = (SKIP_MIRROR, HEADLESS, PROXY_NAME)


class Object(msgspec.Struct, rename="camel"):
    """A whole object. In JSON, the names of its fields are in camel case."""


class Part(msgspec.Struct, rename="camel", gc=False):
    """A part of an object. In JSON, the names of its fields are in camel case.

    The garbage collector skips parts: values from JSON have no cycles, and there may be a hundred thousand addresses.
    """


class OwnerReference(Part):
    """An owner of an object; Kubernetes deletes the object with its owner."""

    uid: str = ""


class Metadata(Part):
    """The metadata that objects of all kinds have."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    managed_fields: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def key(self) -> Key:
        """The namespace and name of the object."""
        return Key(self.namespace, self.name)

    @property
    def revision(self) -> Revision:
        """The uid and resourceVersion of the object."""
        return Revision(self.uid, self.resource_version)

    @property
    def deleting(self) -> bool:
        """Whether the object is being deleted: it is there only until its finalizers are removed."""
        return self.deletion_timestamp is not None

    @property
    def our_labels(self) -> Mapping[str, str]:
        """The labels of the object, but only those that we write."""
        labels = self.labels or {}
        return {label: labels[label] for label in _OUR_LABELS if label in labels}

    @property
    def endpoint_labels(self) -> Mapping[str, str]:
        """Of the labels of endpoints: those that we write, and those that may hide the endpoints."""
        labels = self.labels or {}
        return {label: labels[label] for label in (*_OUR_LABELS, *_HIDING_LABELS) if label in labels}

    @property
    def our_annotations(self) -> Mapping[str, str]:
        """The annotations of the object, but only those that we write."""
        annotations = self.annotations or {}
        return {name: annotations[name] for name in OUR_ANNOTATIONS if name in annotations}

    @property
    def ignored(self) -> bool:
        """Whether the object is annotated to be ignored."""
        return (self.annotations or {}).get(MARKER) == IGNORE
