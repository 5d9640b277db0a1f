<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Lines of the commands: to standard output, and with the time to the application's log. */
final class Journal
{
    public static function line(string $text): void
    {
        echo $text, "\n";
        Yii::log($text);
    }
}
