#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_mailwizz
short_description: Tell the engine where each tenant's MailWizz is
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Gives the engine the address of MailWizz's API and the API key of each tenant's customer there, for lists, templates and campaigns.
  - The engine keeps the keys sealed and tells them to nobody.
  - All tenants are tried, also after one was refused; then it fails, and says which.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  diff_mode:
    details: Of a key it only says that it is another one, of a certificate its fingerprint.
options:
  tenants:
    description:
      - Where the MailWizz of each tenant is, by the tenant's name. Others stay as they are.
      - C(url) is the address of its API or of MailWizz itself, C(https), or C(http) to the engine's own host. C(key) is the API key of the
        tenant's customer, as M(email_engine.fleet.mailwizz_tenants) returns it. C(certificate), as PEM text, is to be trusted; without it
        or V(null), those that the engine's host trusts.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Tell the engine the keys of both tenants
  email_engine.fleet.engine_mailwizz:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    tenants:
      sos-holidays:
        url: https://mailwizz.example.org
        key: "{{ mailwizz.tenants['sos-holidays'].key }}"
      ulixai:
        url: https://mailwizz.example.org
        key: "{{ mailwizz.tenants.ulixai.key }}"
  no_log: true
"""

RETURN = r"""
told:
  description: Where each tenant's MailWizz is by now, and whether that was news.
  returned: success
  type: dict
  sample: {sos-holidays: {url: https://mailwizz.example.org/api/index.php, certificate: null, changed: true}}
"""

import json
import typing as t
import urllib.parse

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.engine_answers import Away
from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "tenants": {"type": "dict", "required": True, "no_log": True},
}
_NEEDED = ("url", "key")
_KNOWN = (*_NEEDED, "certificate")


def run(params: dict, check_mode: bool) -> dict:
    """The module without Ansible. Raises FleetError with everything that is wrong, and all refusals."""
    engine = engine_api.of(params)
    _check(params["tenants"])
    answers, problems = {}, []
    for name, one in sorted(params["tenants"].items()):
        place = f"/tenants/{urllib.parse.quote(name, safe='')}/mailwizz"
        body = {"url": one["url"], "key": one["key"], "certificate": one.get("certificate"), "dry_run": check_mode}
        try:
            answers[name] = engine.ask("PUT", place, body)
        except Away:
            raise
        except FleetError as error:
            problems += [Problem(f"{name}: {one.where}", one.what, one.remedy) for one in error.problems]
    if problems:
        raise FleetError(problems)
    told = {name: {**_place(answer["mailwizz"]), "changed": answer["changed"]} for name, answer in answers.items()}
    diff = [_diff(name, answer) for name, answer in answers.items() if answer["changed"]]
    return {"changed": bool(diff), "told": told, "diff": diff}


def _keys(tenants: t.Mapping) -> set[str]:
    return {str(one["key"]) for one in tenants.values() if isinstance(one, t.Mapping) and one.get("key")}


def _check(tenants: t.Mapping) -> None:
    problems = []
    for name, one in sorted(tenants.items()):
        where = f"tenants.{name}"
        if not isinstance(one, t.Mapping):
            problems.append(Problem(where, "is no mapping", "Give url and key."))
            continue
        for option in _NEEDED:
            if not isinstance(one.get(option), str) or not one[option]:
                remedy = "mailwizz_tenants returns the key; url is the address of MailWizz."
                problems.append(Problem(f"{where}.{option}", "is missing", remedy))
        for option in sorted(set(one) - set(_KNOWN)):
            problems.append(Problem(f"{where}.{option}", "is no option", f"There are {', '.join(_KNOWN)}."))
    if problems:
        raise FleetError(problems)


def _place(shown: t.Mapping | None) -> dict:
    return {key: shown[key] for key in ("url", "certificate")} if shown else {}


def _diff(name: str, answer: t.Mapping) -> dict:
    before, after = _place(answer["before"]), _place(answer["mailwizz"])
    if answer["key_changed"]:
        before, after = before and {**before, "key": "before"}, {**after, "key": "another"}
    texts = {"before": before, "after": after}
    header = f"MailWizz of tenant {name}"
    return {
        **{when: json.dumps(value, indent=2, sort_keys=True) + "\n" for when, value in texts.items()},
        "before_header": header,
        "after_header": header,
    }


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    # Of what tenants have the keys are secret; addresses may be shown.
    module.no_log_values = {module.params["key"], *_keys(module.params["tenants"])}
    try:
        result = run(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    if not module._diff:
        del result["diff"]
    module.exit_json(**result)


if __name__ == "__main__":
    main()
