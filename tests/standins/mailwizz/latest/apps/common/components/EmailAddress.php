<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** Which addresses the product takes: dot atoms, ASCII host names with a dot; no quoted local part, no Unicode. */
final class EmailAddress
{
    private const ATOM = "[A-Za-z0-9!#$%&'*+\\/=?^_`{|}~-]+";
    private const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
    /** What the column of subscribers holds; longer ones would be cut by a database without strict mode. */
    private const LONGEST = 150;

    public static function valid(string $address): bool
    {
        if (strlen($address) > self::LONGEST || strpos($address, '@') > 64) {
            return false;
        }
        $pattern = '/\A' . self::ATOM . '(?:\.' . self::ATOM . ')*@(?:' . self::LABEL . '\.)+' . self::LABEL . '\z/';
        return (bool) preg_match($pattern, $address);
    }

    public static function domain(string $address): string
    {
        return strtolower((string) substr((string) strrchr($address, '@'), 1));
    }
}
