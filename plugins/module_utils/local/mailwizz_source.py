# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the operator's archive of MailWizz, a .zip or a .tar, and writes one with the product alone."""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import os
import stat
import tarfile
import typing as t
import zipfile
import zlib

from ..mailwizz import archive
from ..problems import FleetError, Problem

#: Whom the files belong to, and who reads them.
OWNER, GROUP = "root", "www-data"

#: How a broken archive shows.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
_DUMP_WORDS = (b"-- MySQL dump", b"-- MariaDB dump", b"-- phpMyAdmin", b"CREATE TABLE", b"INSERT INTO", b"/*!40")

Content = t.Callable[[], bytes]


def refuse_dump(path: str) -> None:
    """Raises FleetError where *path* is a dump of a database, by its name or by what it begins with."""
    if archive.is_dump(path) or any(word in _beginning(path) for word in _DUMP_WORDS):
        raise FleetError(
            [
                Problem(
                    path,
                    "is a dump of a database, and none is imported: MailWizz starts empty",
                    "Name the application's archive in mailwizz_archive; templates and campaigns come through the engine's API.",
                )
            ]
        )


def _beginning(path: str) -> bytes:
    """The first bytes of a file, decompressed; those of a .zip or a .tar hold names, not statements."""
    with open(path, "rb") as stream:
        head = stream.read(4096)
    if zipfile.is_zipfile(path) or head[257:262] == b"ustar":
        return b""
    with contextlib.suppress(OSError, EOFError, zlib.error), gzip.open(path) as stream:
        head = stream.read(4096)
    return b"" if head[257:262] == b"ustar" else head


def pack(path: str, packed: str) -> dict:
    """Write the product's tree to *packed*; the same archive gives the same bytes. Raises FleetError.

    Every file is read to its end, so an archive that was cut off is known.
    """
    try:
        with _opened(path) as members:
            plan = archive.plan((entry for entry, _content in members.values()), path)
            if plan.problems:
                raise FleetError(plan.problems)
            version = _version(members, plan, path)
            part = f"{packed}.part"
            with open(part, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
                _write(stream, plan, members)
            os.replace(part, packed)
    except BROKEN as error:
        raise FleetError([_broken(path, error)]) from error
    return {
        "version": version,
        "layout": plan.layout,
        "prefix": plan.prefix,
        "files": len(plan.members),
        "left_out": len(plan.left_out),
    }


def _version(members: t.Mapping[str, tuple], plan: archive.Plan, path: str) -> str:
    name = next(name for name, inner in plan.members.items() if inner == archive.INIT)
    version = archive.version(members[name][1]().decode("utf-8", "replace"))
    if version is None:
        told = f"has an {archive.INIT} that names no MW_VERSION"
        raise FleetError([Problem(path, told, "It is another product's, or not whole: use the vendor's download.")])
    return version


def _broken(path: str, error: Exception) -> Problem:
    return Problem(
        path,
        f"cannot be read to its end ({error or type(error).__name__}): it is cut off, damaged, or no .zip or .tar",
        "Copy it again, and compare its size and checksum with the source's.",
    )


@contextlib.contextmanager
def _opened(path: str) -> t.Iterator[dict[str, tuple[archive.Entry, Content]]]:
    """The members by name, each with a function that gives its content."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            yield {info.filename: (_zip_entry(file, info), _zip_content(file, info)) for info in file.infolist()}
        return
    with tarfile.open(path) as file:
        infos = file.getmembers()
        _refuse_missing_end(path, file)
        yield {info.name: (_tar_entry(info), _tar_content(file, info)) for info in infos}


def _refuse_missing_end(path: str, file: tarfile.TarFile) -> None:
    """A .tar ends with zeros; one that was cut off between two members reads like a whole one."""
    stream = t.cast("t.IO[bytes]", file.fileobj)
    stream.seek(file.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("its end is missing")


def _zip_entry(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> archive.Entry:
    if info.is_dir():
        return archive.Entry(info.filename, "directory")
    if stat.S_ISLNK(info.external_attr >> 16):
        return archive.Entry(info.filename, "link", file.read(info).decode("utf-8", "replace"))
    return archive.Entry(info.filename)


def _zip_content(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Content:
    return lambda: file.read(info)


def _tar_entry(info: tarfile.TarInfo) -> archive.Entry:
    if info.isdir():
        return archive.Entry(info.name, "directory")
    if info.issym():
        return archive.Entry(info.name, "link", info.linkname)
    # A hard link is a second name of a file, whose content is read through it.
    return archive.Entry(info.name, "file" if info.isfile() or info.islnk() else "other")


def _tar_content(file: tarfile.TarFile, info: tarfile.TarInfo) -> Content:
    def content() -> bytes:
        try:
            stream = file.extractfile(info)
        except KeyError as error:
            raise tarfile.ReadError(f"{info.name} is a link to {info.linkname}, which it does not hold") from error
        if stream is None:
            raise tarfile.ReadError(f"{info.name} has no content")
        found = stream.read()
        if info.isfile() and len(found) != info.size:
            raise tarfile.ReadError("unexpected end of data")
        return found

    return content


def _write(stream: t.IO[bytes], plan: archive.Plan, members: t.Mapping[str, tuple[archive.Entry, Content]]) -> None:
    """In the order of the source: going back in a compressed .tar means to read it again from its beginning."""
    folders = {parent for inner in [*plan.members.values(), *archive.WRITABLE] for parent in _parents(inner)}
    folders.update(archive.WRITABLE)
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as made:
        for folder in sorted(folders):
            made.addfile(_member(folder, tarfile.DIRTYPE, 0o750, 0))
        for name, inner in plan.members.items():
            content = members[name][1]()
            made.addfile(_member(inner, tarfile.REGTYPE, 0o640, len(content)), io.BytesIO(content))


def _parents(path: str) -> t.Iterator[str]:
    while path := os.path.dirname(path):
        yield path


def _member(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, size
    info.uname, info.gname = OWNER, GROUP
    return info
