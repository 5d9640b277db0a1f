# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that depend on nothing but what is in them: the same files give the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
import typing as t

# What editors, Python and version control leave in a tree, and nobody runs.
LEFT_OUT = (".git", "__pycache__")
LEFT_OUT_ENDINGS = (".pyc", ".swp", "~")


def files_of(root: str, names: t.Iterable[str] | None = None) -> dict[str, str]:
    """Path in the archive -> path on disk, of all files below *root*; with *names*, of what these entries of it hold.

    Symbolic links are followed: an archive has what they lead to. Raises OSError for one that leads nowhere or in a circle.
    """
    found: dict[str, str] = {}
    start = sorted(os.listdir(root)) if names is None else [name for name in names if os.path.lexists(f"{root}/{name}")]
    _collect(root, "", start, found, (os.path.realpath(root),))
    return found


def _collect(root: str, below: str, names: t.Iterable[str], found: dict[str, str], above: tuple[str, ...]) -> None:
    for name in names:
        if name in LEFT_OUT or name.endswith(LEFT_OUT_ENDINGS):
            continue
        inside = f"{below}{name}"
        path = os.path.join(root, inside)
        if os.path.isdir(path):
            real = os.path.realpath(path)
            if real in above:
                raise OSError(f"{path} leads back to {real}, in which it lies")
            _collect(root, f"{inside}/", sorted(os.listdir(path)), found, (*above, real))
        else:
            os.stat(path)
            found[inside] = path


def pack(files: t.Mapping[str, str], texts: t.Mapping[str, bytes], directory: str, name: str) -> tuple[str, str]:
    """Pack *files* (path inside -> on disk) and *texts* (path inside -> content) into *directory*.

    Returns the archive's path and its SHA-256, the first 16 digits of which are in its name. An older archive of that *name* is removed.
    """
    handle, temporary = tempfile.mkstemp(dir=directory, prefix=".new-")
    try:
        with os.fdopen(handle, "w+b") as stream:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for inside in sorted({*files, *texts}):
                    _add(archive, inside, texts.get(inside), files.get(inside))
            stream.seek(0)
            digest = _sum(stream)
        final = os.path.join(directory, f"{name}-{digest[:16]}.tar")
        os.replace(temporary, final)
    except BaseException:
        os.unlink(temporary)
        raise
    for other in os.listdir(directory):
        if other.startswith(f"{name}-") and other.endswith(".tar") and other != os.path.basename(final):
            os.unlink(os.path.join(directory, other))
    return final, digest


def _add(archive: tarfile.TarFile, inside: str, text: bytes | None, path: str | None) -> None:
    member = tarfile.TarInfo(inside)  # no owner, no time
    if text is None:
        with open(t.cast(str, path), "rb") as stream:
            text = stream.read()
            executable = os.fstat(stream.fileno()).st_mode & 0o100
    else:
        executable = 0
    member.mode = 0o755 if executable else 0o644
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))


def _sum(stream: t.BinaryIO) -> str:
    found = hashlib.sha256()
    for block in iter(lambda: stream.read(1 << 20), b""):
        found.update(block)
    return found.hexdigest()


def digest_of(files: t.Mapping[str, str]) -> str:
    """SHA-256 over names and contents."""
    found = hashlib.sha256()
    for inside in sorted(files):
        with open(files[inside], "rb") as stream:
            content = stream.read()
        found.update(f"{inside}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()
