<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the files of base data.

declare(strict_types=1);

class CommonHelper
{
    /** @return list<string> the file's statements, every table named with the prefix */
    public static function getQueriesFromSqlFile(string $file, string $prefix = ''): array
    {
        $text = preg_replace('/^--.*$/m', '', (string) file_get_contents($file));
        $queries = [];
        foreach (preg_split('/;[ \t]*(?:\n|$)/', $text) as $query) {
            $query = trim($query);
            if ($query !== '') {
                $queries[] = preg_replace(
                    '/\b(CREATE TABLE IF NOT EXISTS|INSERT INTO|ALTER TABLE|UPDATE|REFERENCES|CONSTRAINT) `/',
                    '$0' . $prefix,
                    $query
                );
            }
        }

        return $queries;
    }
}
