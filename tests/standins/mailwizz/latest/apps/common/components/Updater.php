<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Brings the database to the version of the files: apps/common/data/update-sql/VERSION.sql, one after the other.

declare(strict_types=1);

class Updater
{
    /** @return list<string> versions that were applied; the site stays offline when one fails */
    public static function run(): array
    {
        $options = Yii::app()->options;
        $from = (string) $options->get('system.common.version', '1.0');
        $versions = [];
        foreach (glob(MW_APPS_PATH . '/common/data/update-sql/*.sql') ?: [] as $file) {
            $version = basename($file, '.sql');
            if (version_compare($version, $from, '>') && version_compare($version, MW_VERSION, '<=')) {
                $versions[] = $version;
            }
        }
        usort($versions, 'version_compare');
        if (version_compare(MW_VERSION, $from, '>')) {
            $options->set('system.common.site_status', 'offline');
        }
        foreach ($versions as $version) {
            $file = MW_APPS_PATH . '/common/data/update-sql/' . $version . '.sql';
            foreach (CommonHelper::getQueriesFromSqlFile($file, Yii::app()->db->tablePrefix) as $query) {
                Yii::app()->db->createCommand($query)->execute();
            }
            $options->set('system.common.version', $version);
        }
        if (version_compare(MW_VERSION, $from, '>')) {
            $options->set('system.common.version', MW_VERSION);
        }
        $options->set('system.common.site_status', 'online');
        Yii::app()->cache->flush();

        return $versions;
    }
}
