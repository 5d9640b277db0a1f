<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Brings the database to the version of the files.

declare(strict_types=1);

class UpdateCommand extends CConsoleCommand
{
    public mixed $interactive = 1;

    public function actionIndex(): int
    {
        $from = (string) Yii::app()->options->get('system.common.version', '1.0');
        if (version_compare(MW_VERSION, $from, '<=')) {
            Yii::app()->options->set('system.common.site_status', 'online');
            echo "You are already at latest version!\n";

            return 0;
        }
        if ($this->interactive) {
            printf('Are you sure you want to update from %s to %s? (yes|no) [no]: ', $from, MW_VERSION);
            if (strtolower(trim((string) fgets(STDIN))) !== 'yes') {
                echo "Okay, aborting the update process!\n";

                return 0;
            }
        }
        try {
            Updater::run();
        } catch (Throwable $e) {
            fwrite(STDERR, sprintf("Updating to version %s failed with: %s\n", MW_VERSION, $e->getMessage()));

            return 1;
        }
        printf("Congratulations, your application has been successfully updated to version %s!\n", MW_VERSION);

        return 0;
    }
}
