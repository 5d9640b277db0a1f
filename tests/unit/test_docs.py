# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the code does. Run as a program, this writes what docs/reference/ generates from it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import textwrap
import typing as t
from pathlib import Path

import jsonschema
import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_records import wanted_records
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet import inventory
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.schema import FLEET_SCHEMA
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import (
    PURPOSES,
    ROUTINGS,
    STATUSES,
    delivers,
    exists_in_mta,
    in_pool,
    is_routed,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rules import RULES
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.sarif import kind, sentence
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_stops import scopes
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_transaction import STOPS, STOPS_LOCK, read_stops
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs/reference/fleet.schema.json"
LINT_RULES = ROOT / "docs/reference/lint-rules.md"
INVENTORY = (ROOT / "docs/inventory.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def schema_text() -> str:
    return json.dumps(FLEET_SCHEMA, indent=2) + "\n"


KINDS = {
    "syntax": "What is no text of PowerMTA's language at all.",
    "language": "Names, places and arguments, by the table of directives.",
    "meaning": "References, names, what has to be there, and what loads but loses, leaks or unsigns mail.",
    "host": "What needs the host and the DNS; judged only with `--host`.",
    "silence": "The comments that silence findings.",
}


def rules_text() -> str:
    parts = [
        "# Rules of the linter",
        "Written from the linter's own list. [How to use it](../lint.md); `bin/pmta-lint --explain RULE` shows one of them.",
    ]
    for name, about in KINDS.items():
        parts += [f"## {name.capitalize()}", about]
        for rule, (severity, explanation, remedy) in RULES.items():
            if kind(rule) == name:
                told = (f"{severity.capitalize()}. {explanation}", f"Remedy: {sentence(remedy)}")
                # Tags and patterns are meant as they stand.
                parts += [f"### {rule}", *(re.sub(r"([<>*_])", r"\\\1", text) for text in told)]
    return "\n\n".join(parts) + "\n"


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    return re.split(r"^#+ ", page.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """The names in backticks in the first cell of each row of the tables in *text*."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def documented(heading: str) -> list[str]:
    return sorted(first_cells(section(INVENTORY, heading)))


def defaults(role: str) -> dict:
    return yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text(encoding="utf-8"))


def without_settings(keys: t.Iterable[str]) -> list[str]:
    return sorted(set(keys) - set(inventory.SENDER_SETTINGS))


# --- The inventory's page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("A tenant", without_settings(inventory.TENANT_KEYS)),
        ("A range", without_settings(inventory.RANGE_KEYS)),
        ("A listed sender", without_settings(inventory.LISTED_KEYS)),
        ("Settings of a sender", sorted(inventory.SENDER_SETTINGS)),
        ("DMARC", sorted(inventory.DMARC_KEYS)),
        ("Feeders", ["address", "password", "user"]),
        ("Policy", sorted(defaults("policy"))),
    ],
)
def test_every_key_is_documented_and_no_other(heading, keys):
    assert documented(heading) == keys


def test_every_option_of_a_name_server_is_documented():
    source = (ROOT / "plugins/modules/dns_publish.py").read_text(encoding="utf-8")
    block = next(
        node.value.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "DOCUMENTATION"
    )
    options = set(yaml.safe_load(block)["options"]["servers"]["suboptions"])
    variables = set(defaults("dns")) - {"dns_fleet", "dns_keys", "dns_servers"} | {"policy_dns_ttl"}
    assert documented("Name servers") == sorted(options | variables)


def test_the_variables_of_a_powermta_host_exist():
    assert set(documented("PowerMTA hosts")) <= set(defaults("powermta"))


def test_the_choices_are_named():
    settings, tenant = section(INVENTORY, "Settings of a sender"), section(INVENTORY, "A tenant")
    assert [purpose for purpose in PURPOSES if f"`{purpose}`" not in settings] == []
    assert [routing for routing in ROUTINGS if f"`{routing}" not in tenant] == []


def test_the_table_of_statuses_is_what_they_mean():
    said = {}
    for line in section(INVENTORY, "Status").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 5 and cells[0].startswith("`"):
            said[cells[0].strip("`")] = tuple(cell in ("yes", "kept") for cell in cells[1:])
    meant = {}
    for status in STATUSES:
        sender = {"status": status, "paused": False, "daily_quota": 50, "weight": 100, "declared": True}
        meant[status] = (delivers(sender), in_pool(sender), is_routed(sender), exists_in_mta(sender))
    assert said == meant


# --- Examples ---------------------------------------------------------------------------------------------------------

EXAMPLES = re.findall(r"<!-- full example: ([\w ]+) -->\n```yaml\n(.*?)```", INVENTORY, re.DOTALL)


@pytest.mark.parametrize(("hosts", "text"), EXAMPLES, ids=[str(n) for n in range(len(EXAMPLES))])
def test_a_full_example_expands(hosts, text):
    values = {**defaults("policy"), **yaml.safe_load(text)}
    policy = {key.removeprefix("policy_"): value for key, value in values.items() if key.startswith("policy_")}
    document = expand(values["fleet_tenants"], policy, hosts.split())
    jsonschema.validate(document, FLEET_SCHEMA)
    assert wanted_records(document)


def test_the_examples_show_every_form():
    assert len(EXAMPLES) == 3
    shown = " ".join(text for _hosts, text in EXAMPLES)
    for word in ("cidr:", "skip:", "overrides:", "senders:", "routing: pool", "user:", "gateway:", "zone:"):
        assert word in shown


def test_the_tutorial_quotes_the_error():
    tenants = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/fleet.yml").read_text(encoding="utf-8"))
    tenants["fleet_tenants"][0]["ranges"][0]["count"] = 500
    policy = {key.removeprefix("policy_"): value for key, value in defaults("policy").items()}
    with pytest.raises(FleetError) as error:
        expand(tenants["fleet_tenants"], {**policy, "operator": "ops@operator.test"}, ["vps2"])
    quoted = re.search(r"^fleet_tenants\[.*$", (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert quoted and quoted[0] in str(error.value)


# --- The runbook's commands, on a state directory of their own --------------------------------------------------------


def run_step(name: str, state: Path) -> None:
    page = (ROOT / "docs/runbooks/stop-a-sender.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- tested: {name} -->\n *```\n(.*?)\n *```", page, re.DOTALL)[1]
    script = (
        textwrap.dedent(block)
        .replace("/var/lib/email-engine", str(state))
        .replace("sudo pmta", "true")
        .replace("sudo ", "")
    )
    subprocess.run(["bash", "-euc", script], check=True, timeout=30)


RUNTIME = {"vmta-mail4": {"everything": {"reason": "test"}}, "vmta-mail3": {"tenant": {"reason": "test"}}}


@pytest.mark.parametrize(
    "before",
    [
        None,
        {"version": 1, "declared": ["vmta-mail2"], "runtime": ["vmta-mail4"]},
        {"version": 1, "declared": ["vmta-mail2"], "runtime": {"vmta-mail4": "a note", "vmta-mail3": "a note"}},
        {"version": 1, "declared": ["vmta-mail2"], "runtime": RUNTIME},
    ],
)
def test_a_stop_by_hand_is_recorded_and_lifted(tmp_path, before):
    path = tmp_path / STOPS
    if before is not None:
        path.write_text(json.dumps(before))
    run_step("stop", tmp_path)
    assert (tmp_path / STOPS_LOCK).exists()
    stops = read_stops(path.read_text())
    assert sorted(stops.runtime) == (["vmta-mail3", "vmta-mail4"] if before else ["vmta-mail3"])
    if before and before["runtime"] is RUNTIME:
        # What others stopped, and why, is kept.
        found = scopes(stops)
        assert set(found["vmta-mail3"]) == {"sender", "tenant"} and found["vmta-mail4"] == RUNTIME["vmta-mail4"]
    assert stops.declared == (("vmta-mail2",) if before else ())
    run_step("release", tmp_path)
    assert read_stops(path.read_text()).runtime == (("vmta-mail4",) if before else ())
    assert path.stat().st_mode & 0o777 == 0o640


# --- README -----------------------------------------------------------------------------------------------------------


def table(head: str) -> list[str]:
    """First cells of the README's table whose first head is *head*; of a cell with several names the first."""
    text = re.search(rf"^\| {head} \|.*?(?=\n\n)", section(README, _heading_of(head)), re.MULTILINE | re.DOTALL)[0]
    return [re.search(r"`([^`]+)`", line)[1] for line in text.splitlines()[2:]]


def _heading_of(head: str) -> str:
    return "Commands" if head == "command" else "What is in it"


@pytest.mark.parametrize(
    ("head", "folder", "pattern"),
    [
        ("module", "plugins/modules", "*.py"),
        ("filter", "plugins/filter", "*.yml"),
        ("role", "roles", "*"),
        ("command", "bin", "*"),
    ],
)
def test_the_tables_list_what_there_is(head, folder, pattern):
    there = {path.stem for path in (ROOT / folder).glob(pattern) if not path.name.startswith(("_", "."))}
    assert sorted(Path(name).name for name in table(head)) == sorted(there)


def test_the_playbooks_are_listed():
    listed = {"playbooks/site.yml" if name == "site.yml" else name for name in table("playbook")}
    assert listed == {f"playbooks/{path.name}" for path in (ROOT / "playbooks").glob("*.yml")}


def test_the_bars_are_those_of_the_benchmark():
    source = (ROOT / "tests/benchmarks/bench.py").read_text(encoding="utf-8")
    names = ast.literal_eval(re.search(r"^BARS = ({.*?^})", source, re.MULTILINE | re.DOTALL)[1])
    rows = section(README, "Figures")
    for name in names:
        # The figure stands before its mark; an empty cell is a claim without proof.
        assert re.search(rf"\| [\d.]+ [^|]+<!-- bench:{name} --> \|", rows), name
    assert "<!-- timing:" not in README


# --- Every page -------------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.*)$", FENCED.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    stays = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        name, _hash, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        # Pages are shipped in the collection: what they link to has to be, too.
        shipped = str(path.relative_to(ROOT))
        assert not any(shipped == left or shipped.startswith(f"{left}/") for left in stays), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    folders = "bin|playbooks|roles|inventories|tests|group_vars|plugins|requirements|changelogs"
    bases = (ROOT, ROOT / "inventories/example")
    for name, more in set(re.findall(rf"(?<![\w./-])((?:{folders})/[\w./-]*\w)(-\*)?", text)):
        if name.startswith("inventories/production") or more:  # the reader's own; a pattern
            continue
        assert any((base / name).exists() for base in bases), name
    for name in set(re.findall(r"email_engine\.fleet\.(\w+)", text)) - {"site"}:
        places = [f"roles/{name}", f"plugins/modules/{name}.py", f"plugins/filter/{name}.yml"]
        assert any((ROOT / place).exists() for place in places), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_called_on_the_host_is_installed_there(page):
    names = set(re.findall(r"(?<![.])\bemail-engine-[a-z-]+[a-z]", page.read_text(encoding="utf-8")))
    files = " ".join(
        path.name for role in ("powermta", "engine") for path in (ROOT / "roles" / role).rglob("*email-engine-*")
    )
    made = (ROOT / "plugins/module_utils/addresses/install.py").read_text(encoding="utf-8")
    made += (ROOT / "roles/engine/vars/main.yml").read_text(encoding="utf-8")
    assert [name for name in names if name not in files and name not in made] == []


def test_the_schema_is_written_out():
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run .venv/bin/python tests/unit/test_docs.py"


def test_the_rules_of_the_linter_are_written_out():
    assert LINT_RULES.read_text(encoding="utf-8") == rules_text(), "run .venv/bin/python tests/unit/test_docs.py"
    assert {kind(rule) for rule in RULES} == set(KINDS)


def test_every_option_of_the_linter_is_documented():
    source = (ROOT / "bin/pmta-lint").read_text(encoding="utf-8")
    page = (ROOT / "docs/lint.md").read_text(encoding="utf-8")
    options = re.findall(r'"(--[a-z-]+)"', source)
    assert options and [option for option in options if f"`{option}" not in page] == []


if __name__ == "__main__":
    SCHEMA.parent.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    LINT_RULES.write_text(rules_text(), encoding="utf-8")
