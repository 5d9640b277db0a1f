<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Empties the caches: the files of assets, values (quotas), columns of tables.

declare(strict_types=1);

class ClearCacheCommand extends CConsoleCommand
{
    public function actionIndex(): int
    {
        foreach (['backend', 'customer', 'frontend'] as $application) {
            foreach (glob(MW_ROOT_PATH . '/' . $application . '/assets/cache/*') ?: [] as $file) {
                if (is_file($file)) {
                    @unlink($file);
                }
            }
        }
        if (!Yii::app()->cache->flush()) {
            fwrite(STDERR, "The cache could not be emptied.\n");

            return 1;
        }
        Yii::app()->db->forgetTables();
        echo "Done.\n";

        return 0;
    }
}
