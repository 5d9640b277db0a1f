#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_install
short_description: Install MailWizz through its own web wizard
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Walks through the wizard that MailWizz brings, step by step, as a person would in a browser. MailWizz checks the licence itself, in the first
    step; a code that it refuses is never tried again.
  - Each form is looked at before it is sent. A form without a field that this module knows ends the run, and the field is named.
  - Where a step is refused, what MailWizz says is returned.
  - A MailWizz that is installed is left alone. A database that holds tables although no configuration names it is refused.
requirements:
  - MailWizz's files unpacked at O(root) and served at O(url), the folders it writes to writable for O(user), and a database with its user
notes:
  - O(url) is asked directly, never through a proxy.
  - In check mode nothing is sent to the wizard.
extends_documentation_fragment:
  - email_engine.fleet.mailwizz
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  diff_mode:
    support: none
options:
  url:
    description: Where this host serves MailWizz, with a slash at the end where it is in a folder.
    type: str
    default: http://127.0.0.1/
  host_name:
    description:
      - Public name of this MailWizz, sent as C(Host).
      - When not set, the host in O(url).
    type: str
  validate_certs:
    description: Whether the certificate of an O(url) with C(https) must be one that this host trusts.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for a step. That of the database writes some hundred tables.
    type: int
    default: 300
  market_place:
    description: Where the licence was bought.
    type: str
    choices: [envato, mailwizz]
    default: envato
  purchase_code:
    description: Purchase code of the licence.
    type: str
    required: true
  site_name:
    description: Name of the site, 2 to 20 characters; without the word mailwizz, which MailWizz refuses.
    type: str
    required: true
  site_tagline:
    description: Tagline, 2 to 100 characters, without that word.
    type: str
    required: true
  site_description:
    description: Description, 2 to 200 characters, without that word.
    type: str
    required: true
  database:
    description: The database, which is there and empty.
    type: dict
    required: true
    suboptions:
      host:
        description: Host name, address, or V(unix_socket=/path).
        type: str
        default: localhost
      port:
        description: TCP port.
        type: int
        default: 3306
      name:
        description: Name of the database; letters, digits, dash and underscore.
        type: str
        required: true
      user:
        description: Name of its user.
        type: str
        required: true
      password:
        description: Password of its user.
        type: str
        required: true
      prefix:
        description: Prefix of the tables' names; lower-case letters, digits and underscore, or empty.
        type: str
        default: mw_
  admin:
    description: The first person who may log in to the backend.
    type: dict
    required: true
    suboptions:
      first_name:
        description: First name; letters, spaces and dashes.
        type: str
        required: true
      last_name:
        description: Last name; letters, spaces and dashes.
        type: str
        required: true
      email:
        description: E-mail address, which is the login.
        type: str
        required: true
      password:
        description: Password, at least 6 characters.
        type: str
        required: true
  timezone:
    description: Time zone of that person, by its name in PHP.
    type: str
    default: UTC
  allow_existing_data:
    description: Install into a database that already holds tables. The wizard may then fail, or replace them.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Install MailWizz
  email_engine.fleet.mailwizz_install:
    url: http://127.0.0.1/
    host_name: mail.example.com
    market_place: envato
    purchase_code: "{{ vault_mailwizz_purchase_code }}"
    site_name: Mail
    site_tagline: Mail that people asked for
    site_description: Mail that people asked for
    database:
      name: mailwizz
      user: mailwizz
      password: "{{ vault_mailwizz_database_password }}"
    admin:
      first_name: Ada
      last_name: Admin
      email: ops@example.com
      password: "{{ vault_mailwizz_admin_password }}"
"""

RETURN = r"""
step:
  description: The step of the wizard that was reached.
  returned: when the wizard was walked through, success or not
  type: str
  sample: finish
errors:
  description: What MailWizz said about that step, in its own words.
  returned: when a step was refused
  type: list
  elements: str
  sample: [Invalid purchase code.]
version:
  description: Version of the MailWizz that is installed.
  returned: success, not when check mode predicts an installation
  type: str
  sample: 2.1.13
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_program, mailwizz_wizard
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import wizard
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **mailwizz_program.ARGUMENTS,
    "url": {"type": "str", "default": "http://127.0.0.1/"},
    "host_name": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 300},
    "market_place": {"type": "str", "choices": ["envato", "mailwizz"], "default": "envato"},
    "purchase_code": {"type": "str", "required": True, "no_log": True},
    "site_name": {"type": "str", "required": True},
    "site_tagline": {"type": "str", "required": True},
    "site_description": {"type": "str", "required": True},
    "database": {
        "type": "dict",
        "required": True,
        "options": {
            "host": {"type": "str", "default": "localhost"},
            "port": {"type": "int", "default": 3306},
            "name": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "prefix": {"type": "str", "default": "mw_"},
        },
    },
    "admin": {
        "type": "dict",
        "required": True,
        "options": {
            "first_name": {"type": "str", "required": True},
            "last_name": {"type": "str", "required": True},
            "email": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "timezone": {"type": "str", "default": "UTC"},
    "allow_existing_data": {"type": "bool", "default": False},
}


def run(params: dict, check_mode: bool, program: mailwizz_program.Program, site: mailwizz_wizard.Site) -> dict:
    """The module without Ansible. Raises FleetError, or wizard.Refused with the step and MailWizz's words."""
    wizard.check(params)
    if check_mode and program.missing():
        return {"changed": True}
    before = program.ask("info", {})
    if before["installed"]:
        return {"changed": False, "version": before["version"]}
    wizard.may_install(before, program.ask("database", {"database": params["database"]}), params)
    if check_mode:
        return {"changed": True}
    step = mailwizz_wizard.walk(site, wizard.answers(params))
    after = program.ask("info", {})
    if not after["installed"]:
        raise wizard.Refused(step, [f"the wizard came to its end, and {after['reason']}"])
    return {"changed": True, "step": step, "version": after["version"]}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        site = mailwizz_wizard.Site(params["url"], params["host_name"], params["timeout"], params["validate_certs"])
        result = run(params, module.check_mode, mailwizz_program.of(module), site)
    except wizard.Refused as error:
        module.fail_json(msg=str(error), step=error.step, errors=error.errors)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
