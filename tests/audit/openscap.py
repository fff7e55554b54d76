"""Read what OpenSCAP says of a host, by profile of the content, and rule by rule.

Most rules of the content are judged only where the package linux-base is installed: any server has it, and a container
does not. The auditor is shown the host's list of packages with this one in it, or it would leave out most of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from tests.audit.auditors import DATA_STREAM
from tests.audit.inside import LOADER, TOOLS
from tests.audit.results import Judged

PROFILES = {
    "anssi_bp28_minimal": "ANSSI BP-028 minimal",
    "anssi_bp28_intermediary": "ANSSI BP-028 intermediary",
    "anssi_bp28_enhanced": "ANSSI BP-028 enhanced",
    "anssi_bp28_high": "ANSSI BP-028 high",
    "cis_level1_server": "CIS level 1, server",
    "cis_level2_server": "CIS level 2, server",
}
BINDING = ("anssi_bp28_enhanced", "cis_level1_server")
"""Those of which no rule may fail without its line in docs/hardening.md."""

KERNEL = (
    "Package: linux-base\\nStatus: install ok installed\\nPriority: optional\\nSection: kernel\\n"
    "Maintainer: audit <root@localhost>\\nArchitecture: all\\nVersion: 4.12\\nDescription: kernel\\n"
)
SHOW_KERNEL = f"""\
grep -qx 'Package: linux-base' /var/lib/dpkg/status || {{
  {{ cat /var/lib/dpkg/status; printf '\\n{KERNEL}\\n'; }} > {TOOLS}/out/status
  mount --bind {TOOLS}/out/status /var/lib/dpkg/status
}}
"""
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
RULE, PROFILE = "xccdf_org.ssgproject.content_rule_", "xccdf_org.ssgproject.content_profile_"
FAILED, JUDGED = {"fail", "error", "unknown"}, {"pass", "fail", "error", "unknown"}
SOME_FAILED = 2
"""oscap's exit status where it judged, and some rules failed."""


def script(profile: str) -> str:
    """Return the script that judges a host by a profile and prints the results, without the content itself."""
    return f"""\
{SHOW_KERNEL}
export OSCAP_SCHEMA_PATH={TOOLS}/usr/share/openscap/schemas OSCAP_XSLT_PATH={TOOLS}/usr/share/openscap/xsl
export OSCAP_CPE_PATH={TOOLS}/usr/share/openscap/cpe
out={TOOLS}/out
{LOADER} {TOOLS}/usr/bin/oscap xccdf eval --profile {PROFILE}{profile} --results $out/results.xml \\
  {TOOLS}/{DATA_STREAM} > $out/said 2>&1 || [ $? = {SOME_FAILED} ] || {{ tail -n 20 $out/said >&2; exit 1; }}
sed -n '/<TestResult /,/<\\/TestResult>/p' $out/results.xml
"""


def passed(results: str) -> set[str]:
    """Return the rules that passed."""
    found = [*_results(results)]
    return {rule for rule, result in found if result == "pass"} - {rule for rule, result in found if result in FAILED}


def judged(results: str) -> Judged:
    """Return how many rules passed, and which failed; one that is judged more than once must always pass."""
    seen: dict[str, set[str]] = {}
    for rule, result in _results(results):
        seen.setdefault(rule, set()).add(result)
    counted = {rule: found for rule, found in seen.items() if found & JUDGED}
    failed = sorted(rule for rule, found in counted.items() if found & FAILED)
    if not counted:
        raise ValueError("OpenSCAP judged no rule")
    return Judged(passed=len(counted) - len(failed), failed=tuple(failed))


def _results(results: str) -> Iterator[tuple[str, str]]:
    # the lines of one element, whose namespace is declared further out
    text = results.replace("<TestResult ", f'<TestResult xmlns="{XCCDF[1:-1]}" ', 1)
    for found in ElementTree.fromstring(text).iter(f"{XCCDF}rule-result"):  # noqa: S314  of our own auditor
        yield found.get("idref", "").removeprefix(RULE), found.findtext(f"{XCCDF}result", "")
