<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What the end of a batch does to a status that somebody changed meanwhile: option system.standin.write_back, guarded (default) or always. */
final class WriteBack
{
    /** The condition that leaves it alone; none where the batch writes back what it remembers. */
    public static function unless(string $taken): string
    {
        return Sql::option('system.standin.write_back', 'guarded') === 'always' ? '' : " AND status = '$taken'";
    }
}
