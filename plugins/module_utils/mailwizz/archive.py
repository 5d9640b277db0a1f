# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What in the operator's archive is MailWizz, and which of its files a new installation gets.

Two layouts are known: the vendor's download, which has ``latest/`` (and ``update/``, for existing installations), and a backup of a
server, which has that server's folders in front and that server's data in between. Data of another installation is left out.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from ..problems import Problem

#: Where in the tree the version stands, and what a tree without it is not.
INIT = "apps/init.php"
#: Without one of these the product, or the role, cannot work.
PIECES = (
    INIT,
    "index.php",
    "api/index.php",
    "backend/index.php",
    "customer/index.php",
    "apps/console/console.php",
    "apps/common/data/config/main-custom.php",
)
WIZARD = "install/index.php"
#: The only file with a password of the database.
CONFIGURATION = "apps/common/config/main-custom.php"
#: Folders that PHP writes to. The first holds the configuration, and is written to by the wizard alone.
WRITABLE = (
    "apps/common/config",
    "apps/common/runtime",
    "apps/extensions",
    "backend/assets/cache",
    "customer/assets/cache",
    "frontend/assets/cache",
    "frontend/assets/files",
    "frontend/assets/gallery",
)
#: Of these, the ones whose content is one installation's data, not the product.
DATA = tuple(folder for folder in WRITABLE if folder not in ("apps/common/config", "apps/extensions"))
#: Files that keep such a folder in the archive, or closed.
KEEPERS = (".htaccess", ".gitignore", ".gitkeep", "index.html")

_DUMP = re.compile(r"\.(sql|dump)(\.(gz|bz2|xz|zst|zip))?$", re.IGNORECASE)
_PRODUCT_SQL = re.compile(r"apps/common/data/(install|update)-sql/[^/]+\.sql$")
_VERSION = re.compile(r"""define\(\s*['"]MW_VERSION['"]\s*,\s*['"]([0-9][0-9A-Za-z.-]*)['"]\s*\)""")


class Entry(t.NamedTuple):
    """A member of the archive. kind: ``file``, ``directory``, ``link`` or ``other``; target: where a link leads, as it is written."""

    name: str
    kind: str = "file"
    target: str = ""


class Plan(t.NamedTuple):
    """prefix: folders in front of the tree, with a slash at the end, or empty. layout: ``release`` or ``backup``.

    members: path in the new tree by name in the archive, files only. left_out: names below the prefix that no new installation gets.
    """

    prefix: str
    layout: str
    members: dict[str, str]
    left_out: list[str]
    problems: list[Problem]


def is_dump(name: str) -> bool:
    """Whether a file of that name is a database dump."""
    return bool(_DUMP.search(name))


def version(init: str) -> str | None:
    """The version that the text of ``apps/init.php`` names."""
    found = _VERSION.search(init)
    return found.group(1) if found else None


def plan(entries: t.Iterable[Entry], where: str) -> Plan:
    """What to take of these members. where: the archive, as problems name it."""
    named: dict[str, Entry] = {}
    problems = []
    for entry in entries:
        path = posixpath.normpath(entry.name)
        if entry.name.startswith("/") or path.startswith("..") or "\\" in entry.name or "\0" in entry.name:
            problems.append(
                Problem(where, f"holds {entry.name!r}, which leads out of the folder it is unpacked to", _UNSAFE)
            )
        else:
            named[path] = entry
    roots = _roots([path for path, entry in named.items() if entry.kind == "file"])
    if not roots:
        return Plan("", "", {}, [], [*problems, Problem(where, f"is no MailWizz: it has no {INIT}", _WRONG)])
    if len(roots) > 1:
        listed = ", ".join(root or "." for root in roots)
        told = Problem(where, f"holds {len(roots)} copies of MailWizz ({listed})", "Give an archive with one of them.")
        return Plan("", "", {}, [], [*problems, told])
    prefix = roots[0]
    layout = "release" if posixpath.basename(prefix.rstrip("/")) == "latest" else "backup"
    members, left_out = {}, []
    for path, entry in named.items():
        if not path.startswith(prefix):
            continue
        inner = path[len(prefix) :]
        if entry.kind == "link" and not _inside(inner, entry.target):
            told = f"holds the link {entry.name!r} to {entry.target!r}, outside of MailWizz"
            problems.append(Problem(where, told, _UNSAFE))
        elif entry.kind in ("link", "other"):
            left_out.append(inner)
        elif entry.kind == "file":
            if _of_another(inner, layout):
                left_out.append(inner)
            else:
                members[entry.name] = inner
    return Plan(prefix, layout, members, sorted(left_out), [*problems, *_missing(set(members.values()), where)])


_WRONG = "mailwizz_archive is the .zip of the vendor's download, or a .tar.gz of a server's MailWizz folder."
_UNSAFE = "Make the archive again, from the folder of MailWizz alone and with relative names."


def _roots(files: t.Sequence[str]) -> list[str]:
    """Folders with a MailWizz in them, each with a slash at the end. A release's ``update/`` is no MailWizz of its own."""
    found = [path[: -len(INIT)] for path in files if path == INIT or path.endswith("/" + INIT)]
    updates = {root[: -len("latest/")] + "update/" for root in found if re.search(r"(^|/)latest/$", root)}
    return sorted(root for root in found if root not in updates)


def _inside(path: str, target: str) -> bool:
    """Whether a link at *path* of the tree that leads to *target* stays in the tree."""
    return not target.startswith("/") and not posixpath.normpath(
        posixpath.join(posixpath.dirname(path), target)
    ).startswith("..")


def _of_another(path: str, layout: str) -> bool:
    """Whether a file of the tree is some installation's own: its configuration, its data, a dump of its database."""
    if path == CONFIGURATION or (is_dump(path) and not _PRODUCT_SQL.match(path)):
        return True
    if layout == "release" or posixpath.basename(path) in KEEPERS:
        return False
    return any(path.startswith(folder + "/") for folder in DATA)


def _missing(paths: set[str], where: str) -> t.Iterator[Problem]:
    gone = [piece for piece in PIECES if piece not in paths]
    if gone:
        yield Problem(where, f"is not all of MailWizz: {', '.join(gone)} missing", _WRONG)
    if WIZARD not in paths:
        yield Problem(
            where,
            f"has no {WIZARD}: that server's wizard was deleted, as it should be after an installation",
            "Use the vendor's download of that version, or add its folder install/ to the archive, beside index.php.",
        )
