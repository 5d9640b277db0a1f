#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_lint
short_description: Check PowerMTA configurations
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Judges files, or a text, as C(bin/pmta-lint) does. Files and what they include are read on the host where the module runs. Changes nothing.
  - A file that cannot be read fails the task, whatever O(fail_on) says.
notes:
  - O(content) is kept out of logs and of the shown arguments, because a configuration holds passwords. Findings and results never quote one.
  - "In a configuration, the comment C(# pmta-lint: ignore RULE: reason) silences a rule for its line, for the line below or for the section."
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  path:
    description:
      - The configuration file.
      - With O(content), the file that the text is for. It is not read; findings name it, and relative includes start from its directory.
    type: path
  paths:
    description: Further files, each judged by itself.
    type: list
    elements: path
  content:
    description: The text to judge.
    type: str
  whole:
    description:
      - Whether each text is a complete configuration, in which required settings have to be there, or a part of one, in which names may be defined
        elsewhere.
      - When not set, the settings it holds tell.
    type: bool
  host:
    description:
      - Judge also what depends on the host and the DNS, which are those of the host where the module runs. That is whether key files are there,
        readable for PowerMTA, strong enough and the ones whose public half is published, whether source addresses are bound and their reverse names
        right, and whether files that the configuration names exist.
      - What cannot be seen is a warning, C(host-unchecked). Run with C(become) where keys are to be read.
    type: bool
    default: false
  resolver:
    description: With O(host), addresses of the name servers to ask; those of the host when empty.
    type: list
    elements: str
    default: []
  silence:
    description: Rules that are not to be reported.
    type: list
    elements: dict
    default: []
    suboptions:
      rule:
        description: Name of the rule.
        type: str
        required: true
      reason:
        description: Why it is acceptable here.
        type: str
        required: true
  fail_on:
    description: What fails the task, errors, warnings as well, or neither.
    type: str
    choices: [error, warning, never]
    default: error
"""

EXAMPLES = r"""
- name: Check the configuration on the host, and what it needs there
  email_engine.fleet.pmta_lint:
    path: /etc/pmta/config
    host: true
  become: true

- name: Check a rendered text before it goes anywhere
  email_engine.fleet.pmta_lint:
    content: "{{ lookup('ansible.builtin.template', 'config.j2') }}"
    path: /etc/pmta/config
    whole: true
    fail_on: warning
    silence:
      - rule: undocumented
        reason: sync-msg-create is in the vendor's own example of our version
  delegate_to: localhost
"""

RETURN = r"""
findings:
  description: What is wrong, in the order of the files.
  returned: always
  type: list
  elements: dict
  sample:
    - file: /etc/pmta/config
      line: 12
      column: 5
      severity: error
      rule: vmta-undefined
      message: no virtual MTA or pool is named 'mail9'
      remedy: Define the virtual MTA or pool, or correct the name
error_count:
  description: How many of them are errors.
  returned: always
  type: int
  sample: 1
warning_count:
  description: How many of them are warnings.
  returned: always
  type: int
  sample: 0
silenced:
  description: What was found and is silenced, in the form of RV(findings) with a C(reason).
  returned: always
  type: list
  elements: dict
  sample: []
unread:
  description: Files that could not be read, as C(path) and C(reason).
  returned: always
  type: list
  elements: dict
  sample: []
"""

import difflib

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local.config_files import Includes, read_text, trouble
from ansible_collections.email_engine.fleet.plugins.module_utils.local.host_facts import observe
from ansible_collections.email_engine.fleet.plugins.module_utils.local.resolver import Resolver
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.finding import ERROR, WARNING, encodable
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.lint import lint_report
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rules import RULES
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

SHOWN = 10
DEFAULT_NAME = "content"


def run(params: dict) -> dict:
    """The module without Ansible. Raises FleetError for arguments that contradict each other."""
    silence = silenced_rules(params["silence"])
    try:
        resolver = Resolver(params["resolver"])
    except ValueError as error:
        raise FleetError([Problem("resolver", str(error), "Give IP addresses, with :PORT where needed")]) from error
    findings, silenced, unread = [], [], []
    for name, text in sources(params):
        try:
            report = lint_report(
                read_text(name) if text is None else text,
                name,
                Includes(),
                params["whole"],
                silence,
                (lambda needed: observe(needed, resolver)) if params["host"] else None,
            )
        except OSError as error:
            unread.append({"path": encodable(name), "reason": encodable(trouble(error).what)})
            continue
        findings += report.findings
        silenced += report.silenced
    # Two files may include the same third one.
    findings = list(dict.fromkeys(findings))
    return {
        "changed": False,
        "findings": [found.as_dict() for found in findings],
        "error_count": sum(found.severity == ERROR for found in findings),
        "warning_count": sum(found.severity == WARNING for found in findings),
        "silenced": [{**found.as_dict(), "reason": encodable(why)} for found, why in dict.fromkeys(silenced)],
        "unread": unread,
    }


def sources(params: dict) -> list[tuple[str, str | None]]:
    """Name and text of each configuration; None where it has to be read."""
    named = list(dict.fromkeys(([params["path"]] if params["path"] else []) + (params["paths"] or [])))
    if params["content"] is None:
        return [(name, None) for name in named]
    return [(params["path"] or DEFAULT_NAME, params["content"])]


def silenced_rules(entries: list[dict]) -> dict[str, str]:
    problems = []
    for number, entry in enumerate(entries):
        rule = entry["rule"]
        if rule not in RULES:
            close = difflib.get_close_matches(rule, RULES, 1)
            remedy = f"Did you mean {close[0]}?" if close else "docs/reference/lint-rules.md lists the rules"
            problems.append(Problem(f"silence[{number}].rule", f"no rule is named {rule!r}", remedy))
        if not entry["reason"].strip():
            problems.append(Problem(f"silence[{number}].reason", "is empty", "Say why the rule does not apply here"))
    if problems:
        raise FleetError(problems)
    return {entry["rule"]: entry["reason"].strip() for entry in entries}


def verdict(result: dict, fail_on: str) -> str | None:
    """What the task fails with, or None."""
    lines = [f"{entry['path']}: cannot be read: {entry['reason']}" for entry in result["unread"]]
    counted = {"error": (ERROR,), "warning": (ERROR, WARNING), "never": ()}[fail_on]
    guilty = [found for found in result["findings"] if found["severity"] in counted]
    # Errors first: they are what has to be mended.
    guilty.sort(key=lambda found: found["severity"] != ERROR)
    lines += [
        "{file}:{line}:{column}: {severity} {rule}: {message}. {remedy}".format(**found) for found in guilty[:SHOWN]
    ]
    if len(guilty) > SHOWN:
        lines.append(f"and {len(guilty) - SHOWN} more, in findings")
    return "\n".join(lines) or None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "paths": {"type": "list", "elements": "path"},
            "content": {"type": "str", "no_log": True},
            "whole": {"type": "bool"},
            "host": {"type": "bool", "default": False},
            "resolver": {"type": "list", "elements": "str", "default": []},
            "silence": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "rule": {"type": "str", "required": True},
                    "reason": {"type": "str", "required": True},
                },
            },
            "fail_on": {"type": "str", "choices": ["error", "warning", "never"], "default": "error"},
        },
        required_one_of=[("path", "paths", "content")],
        supports_check_mode=True,
    )
    params = module.params
    if params["content"] is not None and params["paths"]:
        module.fail_json(msg="content and paths exclude each other. Judge the files in a task of their own.")
    try:
        result = run(params)
    except FleetError as error:
        module.fail_json(msg=str(error))
    failure = verdict(result, params["fail_on"])
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
