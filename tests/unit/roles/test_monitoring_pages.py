"""The pages of municipalities, as a real Prometheus serves them: what is wrong stands there, and text stays text."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inventory.snapshot import load
from roles.monitoring import Municipality, Options, Settings, pages, quoted, settings
from roles.shared.intent import Intent
from tests.sshd import free_port
from tests.unit.roles.judging import needs

pytestmark = needs("prometheus")

FLEET = load()
WANTED = settings(FLEET.host("tie-mon1"), FLEET, Options(), Intent(FLEET))
HOSTILE = "<script>alert(1)</script>"
NAMED = """Heby"'<b>{{ .Labels.x }}\\` & co"""
"""Of a municipality, by whoever may write to NetBox."""
METRICS = f"""\
node_boot_time_seconds 1
node_filesystem_avail_bytes{{mountpoint="/"}} 25
node_filesystem_size_bytes{{mountpoint="/"}} 100
node_memory_MemAvailable_bytes 1
node_memory_MemTotal_bytes 2
hostile{{text="{HOSTILE}"}} 1
"""
RULE = """\
groups:
  - name: test
    interval: 1s
    rules:
      - alert: TestAlert
        expr: hostile == 1
        labels: { severity: critical, site: "{{ $labels.text }}" }
"""


class Metrics(BaseHTTPRequestHandler):
    """A host's exporter."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(METRICS.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        pass


class Prometheus:
    """A Prometheus that serves the role's pages, and asks one host of Heby, one of Tierp and a device that is down."""

    def __init__(self, directory: Path, wanted: Settings) -> None:
        self.exporter = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
        threading.Thread(target=self.exporter.serve_forever, daemon=True).start()
        (directory / "pages").mkdir()
        for name, text in pages(wanted).items():
            (directory / "pages" / name).write_text(text)
        (directory / "rules.yml").write_text(RULE)
        at = f"127.0.0.1:{self.exporter.server_port}"
        hosts = (
            ("heb-gw1", "node", "heby", at),
            ("tie-web1", "node", "tierp", at),
            ("heb-sw1", "snmp", "heby", "[::1]:1"),
        )
        groups = "".join(
            f"      - {{ targets: ['{target}'], labels: {{ instance: {name}, job: {job}, municipality: {whose} }} }}\n"
            for name, job, whose, target in hosts
        )
        (directory / "p.yml").write_text(
            "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\n"
            f"rule_files: [{directory}/rules.yml]\nscrape_configs:\n  - job_name: x\n    static_configs:\n{groups}"
        )
        self.log = (directory / "log").open("w")
        self.port = free_port("127.0.0.1")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={directory}/p.yml",
                f"--storage.tsdb.path={directory}/data",
                f"--web.console.templates={directory}/pages",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            stdout=self.log,
            stderr=self.log,
        )

    def page(self, name: str, *has: str) -> str:
        """A page, once it has all of this, or as it is after half a minute."""
        until, text = time.monotonic() + 30, ""
        while not (text and all(part in text for part in has)) and time.monotonic() < until:
            time.sleep(0.2)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/consoles/{name}", timeout=5) as answer:
                    text = answer.read().decode()
            except urllib.error.HTTPError as e:
                if e.code == 503:  # it has begun, and is not ready
                    continue
                raise AssertionError(e.read().decode()) from e
            except OSError:
                continue
        return text

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.exporter.shutdown()
        self.exporter.server_close()
        self.log.close()


class Seen(HTMLParser):
    """The tags of a page, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    named = tuple(Municipality(slug=m.slug, name=NAMED if m.slug == "heby" else m.name) for m in WANTED.municipalities)
    made = Prometheus(tmp_path_factory.mktemp("prometheus"), WANTED.model_copy(update={"municipalities": named}))
    yield made
    made.end()


def test_a_municipality_s_page_has_its_own_hosts_devices_and_alerts(served: Prometheus) -> None:
    seen = Seen(served.page("municipality-heby.html", "TestAlert", "heb-sw1", "25 %", "50 %"))
    texts = [text for text in seen.texts if text]
    assert {"heb-gw1", "heb-sw1", "TestAlert", "allvarligt", "25 %", "50 %"} <= set(texts)
    assert "tie-web1" not in texts
    assert "nej" in texts  # the device


def test_the_page_of_all_counts_for_each_and_leads_to_each(served: Prometheus) -> None:
    served.page("municipality-heby.html", "TestAlert", "heb-sw1")
    seen = Seen(served.page("index.html", "1 av 1", "0 av 1"))
    assert [link for link in seen.links if link.startswith("municipality-")] == [m.page for m in WANTED.municipalities]
    texts = [text for text in seen.texts if text]
    heby = texts.index(NAMED)
    assert texts[heby + 1 : heby + 6] == ["1", "0", "1 av 1", "0 av 1", "okänt"]


def test_names_and_labels_of_strangers_stay_text(served: Prometheus) -> None:
    page = served.page("municipality-heby.html", "TestAlert")
    seen = Seen(page)
    assert NAMED in seen.texts
    assert HOSTILE in seen.texts
    assert not {"script", "b"} & set(seen.tags)
    assert "<script" not in served.page("index.html", "av")


def test_quotation_marks_of_every_reader_are_kept_apart() -> None:
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'
