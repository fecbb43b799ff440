"""The story of one Service as a document for programs. The schema is docs/explain.schema.json."""

from typing import Any

from barrelman_sync.model.local import LocalEndpoints, LocalService, LocalSlice
from barrelman_sync.model.remote import RemotePort, RemoteService
from barrelman_sync.model.settings import Whose
from barrelman_sync.planning.eligibility import Answer
from barrelman_sync.planning.result import ExitCode
from barrelman_sync.planning.serving import NodeAnswer
from barrelman_sync.planning.story import Here, Story
from barrelman_sync.report.changes import port_values
from barrelman_sync.report.document import Document, step_document
from barrelman_sync.report.messages import PASSED, message
from barrelman_sync.report.story_text import not_serving_text, verdict_text, why_not_text

SCHEMA_VERSION = 1


def story_document(story: Story) -> Document:
    """The document of a story."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "exitCode": int(ExitCode.CONVERGED),
        "source": story.source,
        "namespace": story.key.namespace,
        "name": story.key.name,
        "verdict": str(story.verdict),
        "message": verdict_text(story),
        "remote": _remote(story.remote) if story.remote else None,
        "rules": [_rule(answer) for answer in story.answers],
        "local": _local(story.here),
        "nodes": [_node(answer) for answer in story.nodes],
        "steps": [step_document(step) for step in story.steps],
        "warnings": [message(why) for why in story.warnings],
        "near": [{"namespace": key.namespace, "name": key.name} for key in story.near],
        "problems": [],
    }


def _remote(service: RemoteService) -> Document:
    return {
        "type": service.type,
        "ports": [_remote_port(port) for port in service.ports],
        "labels": dict(service.labels),
        "externalTrafficPolicyLocal": service.local_traffic,
        "sessionAffinity": service.affinity.mode,
    }


def _remote_port(port: RemotePort) -> Document:
    fields: dict[str, Any] = {
        "name": port.name,
        "protocol": port.protocol,
        "port": port.port,
        "nodePort": port.node_port,
        "appProtocol": port.app_protocol,
    }
    return {name: found for name, found in fields.items() if found}


def _rule(answer: Answer) -> Document:
    told = why_not_text(answer.why_not) if answer.why_not else PASSED[answer.rule]
    return {"rule": str(answer.rule), "passed": answer.why_not is None, "message": told}


def _local(here: Here) -> Document:
    phase = "missing" if here.namespace is None else "terminating" if here.namespace.terminating else "active"
    return {
        "namespace": phase,
        "service": _service(here, here.service) if here.service else None,
        "endpoints": [_endpoints(found) for found in here.endpoints],
    }


def _service(here: Here, service: LocalService) -> Document:
    return {
        "role": str(here.role),
        "type": service.type,
        "ports": [port_values(port) for port in service.ports],
        "source": here.origin.name,
        "sourceUid": here.origin.uid,
        "ofThisSource": here.whose is Whose.THIS_SOURCE,
        "hasSelector": service.has_selector,
        "headless": service.headless,
        "ignored": service.ignored,
        "deleting": service.deleting,
        "orphanedSince": service.mark,
    }


def _endpoints(found: LocalEndpoints | LocalSlice) -> Document:
    return {
        "kind": str(found.ref.kind),
        "name": found.key.name,
        "addresses": list(found.addresses),
        "managedBy": found.manager,
    }


def _node(answer: NodeAnswer) -> Document:
    why = answer.why_not
    return {
        "node": answer.node,
        "zone": answer.zone,
        "addresses": list(answer.addresses),
        "serves": why is None,
        **({"reason": str(why), "message": not_serving_text(why)} if why else {}),
    }
