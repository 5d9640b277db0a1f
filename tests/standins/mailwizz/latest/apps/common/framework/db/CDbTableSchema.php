<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A table's columns and primary key.

declare(strict_types=1);

class CDbTableSchema
{
    public string $name = '';
    public string $rawName = '';
    /** @var string|list<string>|null */
    public string|array|null $primaryKey = null;
    /** @var array<string, CDbColumnSchema> */
    public array $columns = [];

    public static function read(CDbConnection $connection, string $name): ?self
    {
        try {
            $rows = $connection->createCommand('SHOW FULL COLUMNS FROM ' . $connection->quoteColumnName($name))->queryAll();
        } catch (CDbException $e) {
            if (($e->errorInfo[1] ?? 0) === 1146) {
                return null;
            }
            throw $e;
        }
        $table = new self();
        $table->name = $name;
        $table->rawName = $connection->quoteColumnName($name);
        foreach ($rows as $row) {
            $column = CDbColumnSchema::fromRow($row);
            $table->columns[$column->name] = $column;
            if ($column->isPrimaryKey) {
                $table->primaryKey = $table->primaryKey === null
                    ? $column->name
                    : array_merge((array) $table->primaryKey, [$column->name]);
            }
        }

        return $table;
    }

    public function getColumn(string $name): ?CDbColumnSchema
    {
        return $this->columns[$name] ?? null;
    }

    /** @return list<string> */
    public function getColumnNames(): array
    {
        return array_keys($this->columns);
    }
}
