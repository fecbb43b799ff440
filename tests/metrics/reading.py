"""Metrics as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """Return every value by its name and labels, such as `up{job="x"}`, without the label source of prod."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if (name, value) != ("source", "prod")}
            listed = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
            found[f"{sample.name}{{{listed}}}" if listed else sample.name] = sample.value
    return found


def exposed(registry: CollectorRegistry) -> Samples:
    """Return what a registry would be read as."""
    return samples(generate_latest(registry).decode())


def names(found: Samples) -> set[str]:
    """Return the names alone."""
    return {sample.split("{")[0] for sample in found}


def above_zero(found: Samples, name: str) -> Samples:
    """Return what one metric counts."""
    return {sample: value for sample, value in found.items() if sample.split("{")[0] == name and value}
