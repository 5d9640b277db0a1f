# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the control plane: environment variables that start with EMAIL_ENGINE_; secrets from systemd's credentials directory,
in files named as the variable in lower case (email_engine_key_pepper)."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """database: SQLAlchemy URL of the application's role. redis: URL. key_pepper: makes the hashes of API keys useless elsewhere.
    session_secret: signs the web page's cookies. alert_urls: whom alerts are sent to, one address a line as apprise reads it; they hold
    tokens. alert_name: what messages call this engine. patience: seconds that a request waits for one of the
    database connections. The rest says where jobs find what they run with, see `jobs`."""

    model_config = SettingsConfigDict(env_prefix="EMAIL_ENGINE_")

    database: SecretStr
    redis: SecretStr
    key_pepper: SecretStr
    session_secret: SecretStr | None = None
    alert_urls: SecretStr | None = None
    alert_name: str = "email_engine"
    database_connections: int = 10
    patience: float = 15
    requests_per_minute: int = 600
    log_level: str = "INFO"

    # Jobs run playbooks of the collection found in `collections`, with the inventory that was brought here.
    collections: Path = Path("/opt/email-engine/collections")
    inventory: Path = Path("/var/lib/email-engine-control/inventory")
    work: Path = Path("/var/lib/email-engine-control/work")
    vault_password_file: Path | None = None
    ssh_key: Path | None = None
    known_hosts: Path | None = None
    remote_user: str | None = None
    # The certificate to trust at the engine's own address, when it is self-signed.
    certificate: Path | None = None
    job_attempts: int = 3
    job_minutes: int = 60
    # Seconds: between two signs of life; until a worker without any counts as dead; between two looks for work that nobody told of;
    # that a playbook has to end in, when asked to.
    job_beat: float = 1
    job_silence: float = 30
    job_sweep: float = 10
    job_grace: float = 10
    # Contacts that MailWizz gets in one request.
    mail_batch: int = 100

    def receivers(self) -> list[str]:
        """The addresses of `alert_urls`, each once."""
        lines = self.alert_urls.get_secret_value().splitlines() if self.alert_urls else []
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def load() -> Settings:
    """From the environment, and from the credentials that systemd passes."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return Settings(_secrets_dir=directory) if directory else Settings()
