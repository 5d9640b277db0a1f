# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's engine as an operator's script would use it: over TLS, with the admin's key."""

from __future__ import annotations

import os
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "198.18.0.13"
KEY = Path("/var/lib/email-engine-lab/engine/admin_key")
ENDED = ("succeeded", "failed", "cancelled")


def environment(inventory: Path) -> dict[str, str]:
    """This process's, and for an inventory with a vaulted file where its password is, as an operator has it."""
    vaulted = (ROOT / inventory / "group_vars/all/vault.yml").exists()
    return {
        **os.environ,
        **({"ANSIBLE_VAULT_PASSWORD_FILE": str(ROOT / "tests/lab/lib/vault-password")} if vaulted else {}),
    }


class Engine:
    """Requests to https://198.18.0.13/api/v1, whose certificate is read from the machine itself."""

    def __init__(self, key: str | None = None):
        read = [str(ROOT / "bin" / "lab"), "ssh", "vps3", "cat /etc/email-engine/tls/certificate.pem"]
        certificate = subprocess.run(read, check=True, capture_output=True, text=True).stdout
        self.key = key or KEY.read_text().strip()
        self.client = httpx2.Client(
            base_url=f"https://{ADDRESS}/api/v1",
            headers={"X-API-KEY": self.key},
            verify=ssl.create_default_context(cadata=certificate),
            timeout=30,
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return self.client.request(
            method, path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, path: str, body: Any = None, expect: tuple[int, ...] = (200, 201, 202)) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status_code in expect, f"POST {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def job(self, number: str, seconds: float = 300, state: tuple[str, ...] = ENDED) -> dict:
        """The job once it is in one of these states."""
        end = time.monotonic() + seconds
        while (found := self.get(f"/jobs/{number}"))["state"] not in state:
            assert time.monotonic() < end, f"after {seconds:.0f} s: {found}"
            time.sleep(0.5)
        return found

    def idle(self, seconds: float = 300) -> None:
        """Until nothing is queued or runs."""
        end = time.monotonic() + seconds
        while busy := [job for state in ("queued", "running") for job in self.get(f"/jobs?state={state}")["items"]]:
            assert time.monotonic() < end, f"after {seconds:.0f} s: {busy}"
            time.sleep(0.5)
