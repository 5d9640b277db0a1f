# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy as `pmta_config_for` takes it: the role's own defaults and a host's values, without Ansible."""

from __future__ import annotations

from pathlib import Path

import yaml

_DEFAULTS = Path(__file__).resolve().parents[1] / "roles/policy/defaults/main.yml"
_HOST = {
    "postmaster": "ops@operator.test",
    "management_address": "198.18.0.12",
    "management_host_name": "vps2.lab.test",
    "listeners": ["198.18.0.12:2525", "0/0:25"],
    "http_port": 1983,
    "http_access": ["127.0.0.1 admin"],
    "allow_plain_auth": False,
    "role_addresses": ["postmaster", "abuse", "dmarc"],
    "host_settings": {},
    "feeder_settings": {},
    "inbound_settings": {"max-message-size": "25M"},
    "accounting": {"/var/log/pmta/acct.csv": {"records": "d,b"}},
    "log_file": "/var/log/pmta/log",
    "spool": "/var/spool/pmta",
    "secrets_path": "/etc/pmta/fleet-secrets",
}
# What an import starts from: nothing of the defaults.
EMPTY = {
    "providers": {},
    "macros": {},
    "replies": [],
    "reply_lists": {},
    "bounce_categories": [],
    "mx_rollups": [],
    "domain_settings": {"dkim-sign": True},
    "domains": {},
    "virtual_mta_settings": {},
    "virtual_mta_domains": {},
    "global_settings": {},
    "sections": [],
}


def role_policy(**changes) -> dict:
    """The defaults of roles/policy, without the prefix of their names."""
    values = yaml.safe_load(_DEFAULTS.read_text(encoding="utf-8"))
    return {key.removeprefix("policy_"): value for key, value in values.items()} | changes


def host_policy(**changes) -> dict:
    """What the role powermta hands to the renderer."""
    return {**_HOST, **role_policy(operator="ops@operator.test"), **changes}
