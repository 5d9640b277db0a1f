<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Options by their name: option get_option --name=system.common.version

declare(strict_types=1);

class OptionCommand extends CConsoleCommand
{
    public function actionGet_option(string $name, mixed $default = null): int
    {
        $value = Yii::app()->options->get($name, $default);
        echo (is_scalar($value) || $value === null ? (string) $value : json_encode($value)) . "\n";

        return 0;
    }

    public function actionSet_option(string $name, string $value): int
    {
        return Yii::app()->options->set($name, $value) ? 0 : 1;
    }
}
