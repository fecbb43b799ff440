"""The steps of README.md, docs/gke.md and docs/install.md that stand beside their text, typed one after the other."""

from __future__ import annotations

from lab.controlplane import ControlPlane
from lab.controlplane.objects import node
from tests.deploy.controllers import TOKEN, with_token, without_namespaces
from tests.docs.typed import script, typed
from tests.migration.shell import Shell
from tests.scenarios.command import NAMESPACE

ROLES = typed("kubectl apply -f rbac.yaml")
MAKE_SECRET = typed("kubectl -n barrelman-sync create secret generic barrelman-sync --from-file=kubeconfig")

ROLES_AND_TOKENS = "kubectl get namespaces,clusterroles,clusterrolebindings,secrets,serviceaccounts -A -o name"


def placed(command: str) -> str:
    """Return the command with the contexts of the tests in place of the pages' words for them."""
    for word, context in (("REMOTE", "far"), ("X", "far"), ("LOCAL", "near")):
        command = command.replace(f"--context {word} ", f"--context {context} ")
    return command


def test_the_readme(checkout: Shell, remote: ControlPlane, local: ControlPlane) -> None:
    """Its kubeconfig is the one that deploy/remote-token.yaml describes, and leads to the remote as the account."""
    remote.add(node("n1", "10.0.0.1"))
    checkout(placed(typed("kubectl --context REMOTE apply -f rbac-remote.yaml -f deploy/remote-token.yaml")))
    checkout(ROLES)
    with_token(checkout, placed(script("deploy/remote-token.yaml")), remote)
    assert f":{TOKEN}" in checkout("kubectl --kubeconfig kubeconfig auth whoami")
    assert (checkout.folder / "kubeconfig").stat().st_mode & 0o077 == 0
    made = local.api.get("Secret", NAMESPACE, NAMESPACE)["data"]
    assert made.keys() == {"kubeconfig"}
    checkout(f"kubectl -n {NAMESPACE} delete secret {NAMESPACE}")
    checkout(ROLES)
    checkout(MAKE_SECRET)
    assert local.api.get("Secret", NAMESPACE, NAMESPACE)["data"] == made
    checkout(typed("kubectl apply -k deploy/kubeconfig"))
    assert local.api.get("CronJob", NAMESPACE, NAMESPACE)


def test_the_account_goes_with_its_token(checkout: Shell, remote: ControlPlane) -> None:
    checkout("kubectl config use-context far")
    before = checkout(ROLES_AND_TOKENS)
    checkout("kubectl apply -f rbac-remote.yaml -f deploy/remote-token.yaml")
    assert checkout(ROLES_AND_TOKENS) != before
    without_namespaces(checkout, typed("kubectl delete -f rbac-remote.yaml"), remote)
    assert checkout(ROLES_AND_TOKENS) == before


def test_gke(checkout: Shell, remote: ControlPlane, local: ControlPlane) -> None:
    remote.add(node("gke-x-1", "10.0.0.1"))
    assert "gke-x-1" in checkout(placed(typed("kubectl --context X get nodes")))
    checkout(placed(typed("kubectl --context X apply -f deploy/rbac-remote-gke.yaml")))
    again = checkout(placed(typed("kubectl --context REMOTE apply -f deploy/rbac-remote-gke.yaml")))
    assert [line for line in again.splitlines() if not line.endswith(" unchanged")] == []
    checkout(typed("kubectl apply -k deploy/gke"))
    checkout.write("key.json", "{}")
    checkout(typed("kubectl -n barrelman-sync create secret generic barrelman-sync --from-file=key.json"))
    assert local.api.get("Secret", NAMESPACE, NAMESPACE)["data"].keys() == {"key.json"}


def test_one_more_remote(checkout: Shell, local: ControlPlane) -> None:
    checkout.write("kubeconfig", "any")
    checkout("cp -r deploy/another-remote deploy/oslo && sed -i 's/my-other/oslo/g' deploy/oslo/kustomization.yaml")
    named = (
        typed("kubectl apply -k deploy/NAME"),
        typed("kubectl -n barrelman-sync-NAME create secret generic barrelman-sync --from-file=kubeconfig"),
    )
    checkout("\n".join(named).replace("NAME", "oslo"))
    checkout(typed("kubectl apply -k deploy/another-remote"))
    checkout(typed("kubectl -n barrelman-sync-my-other create secret generic barrelman-sync --from-file=kubeconfig"))
    for namespace in ("barrelman-sync-oslo", "barrelman-sync-my-other"):
        assert [obj["metadata"]["name"] for obj in local.api.list("Secret", namespace)] == [NAMESPACE]
        assert local.api.get("CronJob", NAMESPACE, namespace)
