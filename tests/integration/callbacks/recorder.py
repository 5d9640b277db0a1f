# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each task did, one JSON line each, to the file that the environment names."""

from __future__ import annotations

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Writes what each task did to a file
description: [For the tests.]
requirements: [E(EMAIL_ENGINE_RECORD) names the file]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, status, result, **_options):
        task, data = result._task, result._result
        if data.get("skipped"):
            return
        entry = {
            "host": result._host.get_name(),
            "task": task.get_name().rpartition(" : ")[2],
            "action": task.action,
            "file": task.get_path() or "",
            "status": status,
            "changed": bool(data.get("changed")),
            "message": str(data.get("msg", "")),
            "facts": data.get("ansible_facts", {}) if task.action.endswith("set_fact") else {},
            "diff": data.get("diff") or [],
        }
        with open(os.environ["EMAIL_ENGINE_RECORD"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._write("unreachable", result)
