<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Which generation of the product's API answers: option system.standin.api_mode, 2.0 (2.0.15), 2 (later 2.x, default) or 3. */
final class ApiMode
{
    public static function three(): bool
    {
        return self::get() === '3';
    }

    /** The oldest: fields and segments are read-only; no complaints, no delivery logs. */
    public static function oldest(): bool
    {
        return self::get() === '2.0';
    }

    private static function get(): string
    {
        return (string) Sql::option('system.standin.api_mode', '2');
    }
}
