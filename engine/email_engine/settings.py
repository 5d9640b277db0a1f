# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the control plane: environment variables that start with EMAIL_ENGINE_, or a file that systemd passes as a credential."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """database: SQLAlchemy URL of the application's role. redis: URL. key_pepper: makes the hashes of API keys useless elsewhere."""

    model_config = SettingsConfigDict(env_prefix="EMAIL_ENGINE_", secrets_dir=None)

    database: SecretStr
    redis: SecretStr
    key_pepper: SecretStr
    database_connections: int = 10
    requests_per_minute: int = 600
