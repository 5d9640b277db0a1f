<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The framework's front: the application, aliases of paths, classes found by their name.

declare(strict_types=1);

class Yii
{
    /** Where classes are looked for, below apps/. */
    private const PLACES = [
        'common/framework', 'common/framework/db', 'common/components', 'common/components/mailer', 'common/models', 'console/commands',
    ];

    private static ?CApplication $application = null;

    public static function app(): ?CApplication
    {
        return self::$application;
    }

    public static function setApplication(CApplication $application): void
    {
        self::$application = $application;
    }

    public static function autoload(string $class): void
    {
        if (!preg_match('/^\w+$/', $class)) {
            return;
        }
        $places = self::PLACES;
        if (defined('MW_APP_NAME') && MW_APP_NAME !== 'console') {
            array_push($places, MW_APP_NAME . '/components', MW_APP_NAME . '/controllers');
        }
        foreach ($places as $place) {
            $file = MW_APPS_PATH . '/' . $place . '/' . $class . '.php';
            if (is_file($file)) {
                require_once $file;

                return;
            }
        }
    }

    /** A line in apps/common/runtime/application.log; a log that cannot be written stops nothing. */
    public static function log(string $message, string $level = 'info', string $category = 'application'): void
    {
        $line = sprintf("%s [%s] [%s] %s\n", gmdate('Y/m/d H:i:s'), $level, $category, $message);
        @file_put_contents(MW_APPS_PATH . '/common/runtime/application.log', $line, FILE_APPEND | LOCK_EX);
    }
}

spl_autoload_register([Yii::class, 'autoload']);
