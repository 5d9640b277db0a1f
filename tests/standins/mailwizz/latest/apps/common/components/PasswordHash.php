<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Portable phpass hashes: '$P$', one character for the cost, 8 of salt, 22 of the digest; 34 in all.

declare(strict_types=1);

class PasswordHash
{
    public const COST = 13;

    private const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

    public static function make(string $password, int $cost = self::COST): string
    {
        $setting = '$P$' . self::DIGITS[min($cost + 5, 30)] . self::encode(random_bytes(6));

        return self::digest($password, $setting);
    }

    public static function check(string $password, string $hash): bool
    {
        return self::isHash($hash) && hash_equals($hash, self::digest($password, $hash));
    }

    public static function isHash(string $hash): bool
    {
        return preg_match('~^\$P\$[./0-9A-Za-z]{31}$~', $hash) === 1;
    }

    private static function digest(string $password, string $setting): string
    {
        $rounds = 1 << strpos(self::DIGITS, $setting[3]);
        $digest = md5(substr($setting, 4, 8) . $password, true);
        do {
            $digest = md5($digest . $password, true);
        } while (--$rounds);

        return substr($setting, 0, 12) . self::encode($digest);
    }

    /** Six bits at a time, the lowest first. */
    private static function encode(string $bytes): string
    {
        $text = '';
        $buffer = $bits = 0;
        foreach (str_split($bytes) as $byte) {
            $buffer |= ord($byte) << $bits;
            $bits += 8;
            while ($bits >= 6) {
                $text .= self::DIGITS[$buffer & 63];
                $buffer >>= 6;
                $bits -= 6;
            }
        }

        return $bits > 0 ? $text . self::DIGITS[$buffer & 63] : $text;
    }
}
