# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house, checked on every file that git holds or would take."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.plugin_utils.domain_filter import function_of

ROOT = Path(__file__).parents[2]
FRAGMENT = "email_engine.fleet.attributes.actiongroup_fleet"
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
UTILS = sorted((ROOT / "plugins/module_utils").rglob("*.py"))


@functools.cache
def files() -> tuple[str, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return tuple(sorted(name for name in listed if (ROOT / name).is_file() and not (ROOT / name).is_symlink()))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def documentation(path: Path) -> dict[str, str]:
    """The three documentation blocks of a module, by name, without importing it."""
    return {
        node.targets[0].id: node.value.value
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
        and isinstance(node.value, ast.Constant)
    }


# --- What Ansible is told ---------------------------------------------------------------------------------------------


def test_the_action_group_is_the_modules_that_document_it():
    group = yaml.safe_load(text("meta/runtime.yml"))["action_groups"]["fleet"]
    members = [
        path.stem
        for path in MODULES
        if FRAGMENT in yaml.safe_load(documentation(path)["DOCUMENTATION"]).get("extends_documentation_fragment", [])
    ]
    assert group == sorted(members)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_are_documented(path):
    blocks = documentation(path)
    assert set(blocks) == {"DOCUMENTATION", "EXAMPLES", "RETURN"}
    head = yaml.safe_load(blocks["DOCUMENTATION"])
    assert head["module"] == path.stem
    # What check mode, diff and a second run do.
    assert {"email_engine.fleet.attributes", "email_engine.fleet.attributes.info"} & set(
        head["extends_documentation_fragment"]
    )
    assert any(f"email_engine.fleet.{path.stem}" in task for task in yaml.safe_load(blocks["EXAMPLES"]))
    assert yaml.safe_load(blocks["RETURN"])


def test_filters_are_documented():
    names = set()
    for path in (ROOT / "plugins/filter").glob("*.py"):
        plugin = importlib.import_module(f"ansible_collections.email_engine.fleet.plugins.filter.{path.stem}")
        names |= set(plugin.FilterModule().filters())
    sidecars = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "plugins/filter").glob("*.yml")
    }
    assert set(sidecars) == names
    for name, sidecar in sidecars.items():
        assert set(sidecar) == {"DOCUMENTATION", "EXAMPLES", "RETURN"}, name
        assert sidecar["DOCUMENTATION"]["name"] == name
        assert f"email_engine.fleet.{name}" in sidecar["EXAMPLES"]


def test_every_filter_names_a_function_of_the_domain():
    """Filters import their function at the first call, so a wrong name would show only then."""
    for path in (ROOT / "plugins/filter").glob("*.py"):
        plugin = importlib.import_module(f"ansible_collections.email_engine.fleet.plugins.filter.{path.stem}")
        for name, function in plugin.FilterModule().filters().items():
            assert callable(function_of(*function.target)), name


def test_every_sanity_exception_has_a_reason():
    lines = [
        f"{path.name}: {line}"
        for path in (ROOT / "tests/sanity").glob("ignore-*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not re.search(r"\S+ \S+ +# \S.{9,}", line)
    ]
    assert lines == []


# --- Every file -------------------------------------------------------------------------------------------------------

# Files of a reader's own (inventories to copy), data, templates, and texts that are shown as they are.
WITHOUT_HEADER = re.compile(
    r"(^|/)(LICENSE|\.gitignore|[^/]+\.(md|csv|json|j2|html|lock|txt|sample))$|^(inventories|group_vars)/|^tests/standins/[^/]+/debian/"
)
HEADER = "SPDX-License-Identifier: GPL-3.0-or-later"


def test_every_file_names_its_licence():
    lacking = [
        name
        for name in files()
        if not WITHOUT_HEADER.search(name) and HEADER not in "\n".join(text(name).split("\n")[:8])
    ]
    assert lacking == []


# --- The domain -------------------------------------------------------------------------------------------------------

THIRD_PARTY = {"netaddr"}
HANDS = {
    "asyncio", "builtins", "ctypes", "fcntl", "ftplib", "http", "importlib", "io", "multiprocessing", "os", "pathlib", "runpy",
    "select", "selectors", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile",
    "threading", "urllib",
}  # fmt: skip
CALLS = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
# Not the domain, though it lies with it, because Ansible packs nothing else to go with a module.
PROGRAMS = {
    "addresses/keeper.py": "installed on the host and run there by systemd",
    "local/accounting_files.py": "reads accounting files for pmta_accounting, block by block",
    "local/archive.py": "packs trees for engine_bundle",
    "local/config_files.py": "reads configurations for the linter, which works without Ansible",
    "local/dkim_signing.py": "signs a message with a key file, with cryptography",
    "local/dkim_verification.py": "verifies signatures, with dkimpy and dnspython",
    "local/dns_asker.py": "asks a resolver thousands of short questions, with dnspython",
    "local/dns_survey.py": "asks for dns_check, all senders at once",
    "local/dnsbl_survey.py": "asks for dnsbl_check, all targets at all lists",
    "local/host_facts.py": "looks at files, users and addresses for the linter's --host",
    "local/key_directory.py": "locks the directory of DKIM keys, and reads and writes its registry",
    "local/engine_api.py": "asks the engine, for the modules that talk to it",
    "local/pmta_host.py": "asks PowerMTA and locks the record of stops, for the modules that run on its host",
    "local/mailwizz_program.py": "runs the PHP program, for the modules that work in MailWizz",
    "local/mailwizz_source.py": "reads and repacks MailWizz's archive for mailwizz_archive",
    "local/mailwizz_wizard.py": "walks through MailWizz's wizard over HTTP",
    "local/name_servers.py": "asks name servers, with dnspython",
    "local/spf_evaluation.py": "evaluates SPF, with pyspf",
    "local/wheels.py": "has pip fetch and build wheels for engine_bundle",
    "local/writing.py": "replaces files for the modules that write on the control node",
    "local/resolver.py": "asks name servers for the linter's --host, without any library",
}


def transgressions(source: str) -> list[str]:
    """What in this text reaches outside: imports of others' packages, and I/O."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: t.Sequence[str] = ()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            found.append(f"line {node.lineno}: calls {node.func.id}")
        for name in names:
            top = name.partition(".")[0]
            if top in HANDS or (top not in sys.stdlib_module_names and top not in THIRD_PARTY):
                found.append(f"line {node.lineno}: imports {name}")
    return found


# What is a program, not a rule, may reach for the world.
RULES = [path for path in UTILS if str(path.relative_to(ROOT / "plugins/module_utils")) not in PROGRAMS]


@pytest.mark.parametrize("path", RULES, ids=lambda path: str(path.relative_to(ROOT / "plugins/module_utils")))
def test_the_domain_reaches_for_nothing(path):
    assert transgressions(path.read_text(encoding="utf-8")) == []


def test_reaching_out_is_seen():
    assert (
        transgressions("import re\nfrom . import x\nfrom ..problems import Problem\nfrom netaddr import IPSet\n") == []
    )
    for line in (
        "import socket",
        "from os import path",
        "import urllib.request",
        "import dns.resolver",
        "open('x')",
        "from ansible import x",
    ):
        assert len(transgressions(line)) == 1


# --- Everything per sender in one call --------------------------------------------------------------------------------

PER_SENDER = re.compile(
    r"senders|fleet_document|fleet_addresses|fleet_key_requests|dns_records|fleet_fleet|powermta_fleet"
)


def loops(node: object) -> t.Iterator[str]:
    """The text of every loop in a play or task file, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from loops(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if str(key) == "loop" or str(key).startswith("with_"):
                yield str(value)
            yield from loops(value)


class Loader(yaml.SafeLoader):
    """YAML as Ansible writes it."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


def test_nothing_loops_over_senders():
    found = [
        f"{name}: {loop}"
        for name in files()
        if re.match(r"(site\.yml|playbooks/|roles/[^/]+/(tasks|handlers)/|molecule/)", name)
        and name.endswith((".yml", ".yaml"))
        for loop in loops(yaml.load(text(name), Loader))
        if PER_SENDER.search(loop)
    ]
    assert found == []


def test_a_loop_over_senders_is_seen():
    play = [
        {"hosts": "all", "tasks": [{"block": [{"debug": None, "loop": "{{ fleet.senders }}"}]}, {"with_items": ["a"]}]}
    ]
    assert [bool(PER_SENDER.search(loop)) for loop in loops(play)] == [True, False]
