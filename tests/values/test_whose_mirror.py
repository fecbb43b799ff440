"""By which name a remote is known, and whether a default name may be used."""

from __future__ import annotations

from dataclasses import replace

from barrelman_sync.model.local import Local, LocalSlice
from barrelman_sync.model.names import Key, Revision
from barrelman_sync.model.settings import Scope, cluster_name
from barrelman_sync.planning.situation import name_in_use
from tests.values.builders import (
    ANNOTATIONS,
    CART,
    ENDPOINTS_LABELS,
    FROM,
    FROM_UID,
    MIRROR_LABELS,
    SCOPE,
    SLICE_MANAGER,
    cases,
    endpoints,
    local,
    mirror,
    service,
)


@cases(
    "context, name",
    {
        "a name of its own": ("prod", "prod"),
        "of gcloud, zonal": ("gke_acme-web_europe-west1-b_prod-1", "prod-1"),
        "of gcloud, regional": ("gke_acme_europe-west1_prod", "prod"),
        "of gcloud, a project of a domain": ("gke_example.com:acme_europe-west1_prod", "prod"),
        "of the AWS CLI": ("arn:aws:eks:eu-central-1:123456789012:cluster/prod", "prod"),
        "of the AWS CLI, in China": ("arn:aws-cn:eks:cn-north-1:123456789012:cluster/prod", "prod"),
        "another thing of AWS": ("arn:aws:iam::123456789012:role/prod", "arn:aws:iam::123456789012:role/prod"),
        "too few parts": ("gke_acme_prod", "gke_acme_prod"),
        "too many parts": ("gke_acme_europe-west1_prod_2", "gke_acme_europe-west1_prod_2"),
        "an empty name": ("gke_acme_europe-west1_", "gke_acme_europe-west1_"),
        "of kind": ("kind-prod", "kind-prod"),
        "none": ("", ""),
    },
)
def test_the_name_of_the_cluster_that_a_context_names(context: str, name: str) -> None:
    assert cluster_name(context) == name


# --- a default name ---------------------------------------------------------------------------------------------

DEFAULT = replace(SCOPE, default_name="prod")
STAGE = {FROM: "stage"}
AS_STAGE = mirror(labels=MIRROR_LABELS | STAGE)
TILL_AS_PROD = mirror(Key("shop", "till"))
SLICE = LocalSlice(
    key=Key("shop", "cart-barrelman-ipv4-0"),
    service=CART,
    revision=Revision("u", "1"),
    family="IPv4",
    labels={SLICE_MANAGER: "barrelman-sync", **STAGE},
    annotations=ANNOTATIONS,
)


@cases(
    "found, scope, known",
    {
        "nothing is there": (local(), DEFAULT, None),
        "a mirror under another name": (local(AS_STAGE), DEFAULT, "stage"),
        "endpoints under another name": (
            local(service(), endpoints(labels=ENDPOINTS_LABELS | STAGE)),
            DEFAULT,
            "stage",
        ),
        "a slice under another name": (replace(local(service()), slices={CART: (SLICE,)}), DEFAULT, "stage"),
        "the name was given": (local(AS_STAGE), SCOPE, None),
        "one object has our name": (local(AS_STAGE, TILL_AS_PROD), DEFAULT, None),
        "the other name is adopted": (local(AS_STAGE), replace(DEFAULT, adopted_source="stage"), None),
        "a third name is adopted": (local(AS_STAGE), replace(DEFAULT, adopted_source="old"), "stage"),
        "the other name is the whole context": (local(AS_STAGE), replace(SCOPE, default_name="stage"), None),
        "outside --namespace": (local(AS_STAGE), replace(DEFAULT, namespaces=frozenset({"web"})), None),
        "in one of --namespace": (local(AS_STAGE), replace(DEFAULT, namespaces=frozenset({"shop"})), "stage"),
        "only an object of another cluster has our name": (
            local(AS_STAGE, mirror(Key("shop", "till"), annotations={FROM_UID: "another"})),
            DEFAULT,
            "stage",
        ),
        "another cluster": (local(mirror(labels=MIRROR_LABELS | STAGE, annotations={})), DEFAULT, None),
        "the original's mirrors are of no name": (
            local(AS_STAGE, mirror(Key("shop", "till"), labels={"tfw.io/barrelman": "managed-resource"})),
            DEFAULT,
            "stage",
        ),
    },
)
def test_a_default_name_is_wrong_if_the_cluster_has_another(found: Local, scope: Scope, known: str | None) -> None:
    assert name_in_use(found, scope) == known
