# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's texts must not show: the engine's own secrets, and everything that the installed inventory keeps in a vault."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret
from pydantic import SecretStr

from email_engine.redaction import SHORTEST, Redactor, parts_of_address
from email_engine.settings import Settings

#: A shorter line of a longer secret may stand in any text.
_LINE = 12


class Unreadable(Exception):
    """Part of the inventory does not open with the vault password. The text says which, and what to do."""


def redactor(settings: Settings) -> Redactor:
    """For jobs with the inventory as it is now. Raises Unreadable: what is not known cannot be hidden."""
    known = set()
    for secret in (*_of_settings(settings), *_of_inventory(settings)):
        known |= {secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= _LINE)}
    return Redactor([*known, *(form for secret in known if len(secret) >= SHORTEST for form in _in_base64(secret))])


def _in_base64(secret: str) -> Iterator[str]:
    """What a base64 text holds of it, wherever in the text it begins; the characters at both ends depend on its neighbours."""
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + secret.encode()).decode().rstrip("=")
        yield whole[(0, 2, 3)[shift] : -1]


def _of_settings(settings: Settings) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    for url in settings.receivers():
        yield from parts_of_address(url)
    for url in (settings.database, settings.redis):
        yield urlsplit(url.get_secret_value()).password or ""
    if settings.vault_password_file is not None:
        yield settings.vault_password_file.read_text().strip()


def _of_inventory(settings: Settings) -> Iterator[str]:
    password = settings.vault_password_file.read_bytes().strip() if settings.vault_password_file else b""
    place = settings.inventory.resolve()
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file():
            vault = _Vault(password, path)
            content = path.read_bytes()
            yield from vault.file(content) if VaultLib.is_encrypted(content) else vault.values(content)


class _Vault:
    """What is vaulted in one file of the inventory."""

    def __init__(self, password: bytes, path: Path):
        self._lib = VaultLib([("default", VaultSecret(password))] if password else None)
        self._path = path

    def _open(self, content: bytes | str) -> str:
        try:
            return self._lib.decrypt(content).decode(errors="replace")
        except AnsibleError as fault:
            raise Unreadable(
                f"{self._path} does not open with the engine's vault password ({type(fault).__name__}): "
                "encrypt it with engine_vault_password of the inventory, then run site.yml."
            ) from None

    def file(self, content: bytes) -> Iterator[str]:
        """Of a file that is vaulted as a whole: each text and number, or all of it where it is no YAML."""
        whole = self._open(content)
        try:
            found = list(_texts(yaml.load(whole, self._loader([]))))
        except yaml.YAMLError:
            found = []
        yield from found or [whole.strip()]

    def values(self, content: bytes) -> Iterator[str]:
        """Of a file in which some values are vaulted."""
        if b"!vault" not in content:
            return
        found: list[str] = []
        try:
            for _document in yaml.load_all(content, self._loader(found)):
                pass
        except yaml.YAMLError as fault:
            raise Unreadable(f"{self._path} is no YAML ({type(fault).__name__}): mend it, then run site.yml.") from None
        yield from found

    def _loader(self, found: list[str]) -> type[yaml.SafeLoader]:
        """Reads YAML with Ansible's tags; what is vaulted goes to *found*."""

        class Loader(yaml.SafeLoader):
            pass

        def vaulted(loader: yaml.SafeLoader, node: yaml.Node) -> str:
            found.append(self._open(str(loader.construct_scalar(node))))
            return found[-1]

        def tagged(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
            kinds = {yaml.MappingNode: loader.construct_mapping, yaml.SequenceNode: loader.construct_sequence}
            kind = kinds.get(type(node))
            return kind(node, deep=True) if kind else loader.construct_scalar(node)

        Loader.add_multi_constructor("!", tagged)
        Loader.add_constructor("!vault", vaulted)
        Loader.add_constructor("!vault-encrypted", vaulted)
        return Loader


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, (list, tuple, set)):
        for value in data:
            yield from _texts(value)
    elif data is not None and not isinstance(data, bool):
        yield str(data)
