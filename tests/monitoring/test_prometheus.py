"""The rules and the dashboard, given to a real Prometheus that scrapes what we tell of a host."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from opsagent.core import metrics
from opsagent.host.own import own
from opsagent.interfaces.web.routes import Routes
from opsagent.interfaces.web.server import Server
from tests.core.metrics.telling import counted
from tests.core.metrics.test_figures import repaired_host
from tests.interfaces.web.test_with_daemon import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsagent.core.asking import Question
    from opsagent.core.commands import Command
    from opsagent.core.metrics import Family
    from opsagent.core.policy import CheckPolicy

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring/opsagent.rules.yaml"
STORIES = sorted((ROOT / "tests/monitoring").glob("*.yaml"))
DASHBOARD = ROOT / "monitoring/opsagent.dashboard.json"
WITHIN = 30.0
TOKEN = "s3cret-s3cret-s3cret"
SETTINGS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: opsagent
    authorization: {{credentials_file: {token}}}
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def figures() -> tuple[Family, ...]:
    """Return those of a host that was repaired, with our process; what it has not got is as in the reference."""
    host = repaired_host()
    told = metrics.families(host.agent.world(host.now), counted(host), own())
    usual = runpy.run_path(str(ROOT / "docs/reference/write_metrics.py"))["everything"]()
    return tuple(({one.name: one for one in usual} | {one.name: one for one in told if one.samples}).values())


FIGURES = figures()


class Daemon:
    """Has figures, and nothing else."""

    def __call__(self, request: Command | Question) -> NoReturn:
        raise AssertionError(request)

    def jobs(self) -> tuple[CheckPolicy, ...]:
        return ()

    def figures(self) -> tuple[Family, ...]:
        return FIGURES


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    address: str

    def ask(self, path: str, **more: str) -> Any:
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(more)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.loads(answer.read())["data"]

    def value(self, expr: str) -> float | None:
        found = self.ask("query", query=expr)["result"]
        return float(found[0]["value"][1]) if found else None


def wait_for(what: str, process: subprocess.Popen[bytes], said: Path, ask: Any) -> None:
    """Wait until `ask` is true; an answer that does not come, or a server that ended, is told."""
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        assert process.poll() is None, said.read_text()
        try:
            if ask():
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"not within {WITHIN} s: {what}")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    place = tmp_path_factory.mktemp("prometheus")
    door, stop = Server(("127.0.0.1", 0), Routes(Daemon(), TOKEN)), threading.Event()
    ours = door.open()
    serving = threading.Thread(target=door.serve, args=(stop,))
    serving.start()
    (place / "token").write_text(TOKEN)
    (place / "prometheus.yml").write_text(SETTINGS.format(rules=RULES, port=ours, token=place / "token"))
    port = free_port()
    argv = [
        "prometheus",
        f"--config.file={place}/prometheus.yml",
        f"--storage.tsdb.path={place}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    said = place / "stderr"
    with said.open("wb") as errors:
        process = subprocess.Popen(argv, stderr=errors, stdout=subprocess.DEVNULL)
    server = Prometheus(f"http://127.0.0.1:{port}")
    try:
        wait_for("our figures and an evaluation of the rules", process, said, lambda: is_ready(server))
        yield server
    finally:
        process.terminate()
        process.wait(10)
        stop.set()
        serving.join(10)


def is_ready(server: Prometheus) -> bool:
    rules = [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]
    return server.value("opsagent_build_info") == 1 and all(rule["health"] == "ok" for rule in rules)


def tool(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)


def test_the_rules_are_sound() -> None:
    checked = tool("check", "rules", "--lint-fatal", str(RULES))

    assert checked.returncode == 0, checked.stderr
    assert " 15 rules found" in checked.stdout


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    checked = tool("test", "rules", *map(str, STORIES))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_is_tried() -> None:
    alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    tried = {alert for story in STORIES for alert in re.findall(r"Opsagent\w+", story.read_text())}

    assert alerts == tried


def test_a_real_prometheus_scrapes_every_family(prometheus: Prometheus) -> None:
    names = {one.name + sample.suffix for one in FIGURES for sample in one.samples}

    stored = set(prometheus.ask("label/__name__/values"))

    assert names <= stored
    assert len(names) > 35
    assert prometheus.value('opsagent_repairs_total{outcome="verified"}') == 1
    assert (prometheus.value("opsagent_process_resident_memory_bytes") or 0) > 1e6


def test_a_real_prometheus_evaluates_every_rule(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]

    assert len(rules) == 15
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules} == {("ok", "")}


def queries(found: Any) -> Iterator[str]:
    """Yield every query of a dashboard, however deep."""
    if isinstance(found, dict):
        if isinstance(found.get("expr"), str):
            yield found["expr"]
        for inner in found.values():
            yield from queries(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from queries(inner)


def asked(expr: str) -> str:
    """Return a query as Grafana would ask it."""
    for name, value in {"$instance": ".*", "$__rate_interval": "1m", "$__range": "1h"}.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


def test_every_query_of_the_dashboard_is_understood_and_asks_for_what_there_is(prometheus: Prometheus) -> None:
    stored = set(prometheus.ask("label/__name__/values"))
    found = list(queries(json.loads(DASHBOARD.read_text())))

    assert len(found) > 20
    for expr in found:
        prometheus.ask("query", query=asked(expr))  # an error of any kind is an HTTP error
        assert set(re.findall(r"opsagent_\w+", expr)) <= stored, expr


def test_every_rule_asks_for_what_there_is(prometheus: Prometheus) -> None:
    stored = set(prometheus.ask("label/__name__/values"))
    named = set(re.findall(r"opsagent_\w+", RULES.read_text()))

    assert named <= stored


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()

    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
