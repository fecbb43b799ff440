"""The alert rules, the dashboard, its picture and the documentation fit the metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from barrelman_sync.metrics.values import LAST_SUCCESS, OF_REPORTS, OF_RUNS, run_metrics
from tests.metrics.alert_forms import ALERTS, FORMS, GMP, Form
from tests.metrics.picture import DASHBOARD, PICTURE, ROOT, picture
from tests.metrics.reading import exposed
from tests.metrics.reports import report, run
from tests.needed import lacking

CASES = Path(__file__).parent / "alerts.test.yaml"
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text()
METRICS = {LAST_SUCCESS} | {metric.name for metric in OF_RUNS} | {metric.name for metric in OF_REPORTS}

Rule = dict[str, Any]


def rules() -> list[Rule]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def mentioned(text: str) -> set[str]:
    return set(re.findall(r"\bbarrelman_\w+", text))


def table(first: str) -> list[list[str]]:
    """Return the cells of the rows under a heading."""
    rows = DOCUMENT.split(f"| {first} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_of_metrics_is_what_the_code_exposes() -> None:
    labels = {metric.name: metric.label for metric in OF_REPORTS} | {metric.name: metric.label for metric in OF_RUNS}
    documented = {cells[0].strip("`"): cells[1] for cells in table("metric")}
    assert documented.keys() == METRICS
    assert {name: re.findall(r"`(\w+)`:", cell) for name, cell in documented.items()} == {
        name: [label] if (label := labels.get(name)) else [] for name in METRICS
    }


def test_the_table_of_metrics_has_every_value_of_a_label() -> None:
    values: dict[str, set[str]] = {}
    for sample in exposed(run_metrics(run(report()))):
        if match := re.fullmatch(r'(\w+)\{\w+="(\w+)"\}', sample):
            values.setdefault(match[1], set()).add(match[2])
    for name, cell, _ in table("metric"):
        listed = set(re.findall(r"`(\w+)`(?!:)", cell))
        expected = values.get(name.strip("`"), set())
        assert listed == (set() if "as above" in cell else expected), name


def test_the_table_of_alerts_is_what_the_file_has() -> None:
    assert [cells[0].strip("`") for cells in table("alert")] == [rule["alert"] for rule in rules()]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert(rule: Rule) -> None:
    assert rule["annotations"].keys() == {"summary", "description", "action"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    used = mentioned(rule["expr"])
    assert used <= METRICS
    assert bool(used) != ("kube_" in rule["expr"])
    assert rule["alert"] in CASES.read_text()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.kind)
def test_the_operators_have_the_same_alerts(form: Form) -> None:
    assert form.path.read_text() == form.text(), "make it again: python -m tests.metrics.alert_forms"
    resource = yaml.safe_load(form.text())
    assert (resource["apiVersion"], resource["kind"]) == (form.api_version, form.kind)
    groups = resource["spec"]["groups"]
    assert {group.pop("interval", "") for group in groups} == {"1m" if form == GMP else ""}
    assert groups == yaml.safe_load(ALERTS.read_text())["groups"]
    assert [rule.keys() for group in groups for rule in group["rules"]] == [
        {"alert", "expr", "for", "labels", "annotations"} for _ in rules()
    ]


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    assert mentioned(queries) <= METRICS
    assert METRICS - mentioned(queries) == {
        "barrelman_last_run_timestamp_seconds",
        "barrelman_panic_mode",
        "barrelman_build_info",
    }


def test_the_picture_is_of_this_dashboard() -> None:
    assert PICTURE.read_text() == picture(), "make it again: python -m tests.metrics.picture"


def test_when_alerts_fire() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        lacking("promtool is not in PATH; tests/setup installs it")
    for arguments in (["check", "rules", "--lint-fatal", str(ALERTS)], ["test", "rules", str(CASES)]):
        done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
