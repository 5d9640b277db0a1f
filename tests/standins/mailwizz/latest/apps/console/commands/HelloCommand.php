<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Says that the command line works.

declare(strict_types=1);

class HelloCommand extends CConsoleCommand
{
    public function actionIndex(): int
    {
        echo "Hello World!\n";

        return 0;
    }
}
