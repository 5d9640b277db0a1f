<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One column as the database describes it.

declare(strict_types=1);

class CDbColumnSchema
{
    public string $name = '';
    public bool $allowNull = false;
    public string $dbType = '';
    /** integer, double or string: the PHP type of its values */
    public string $type = 'string';
    public mixed $defaultValue = null;
    public ?int $size = null;
    public bool $isPrimaryKey = false;
    public bool $autoIncrement = false;

    /** @param array<string, mixed> $row one row of SHOW FULL COLUMNS */
    public static function fromRow(array $row): self
    {
        $column = new self();
        $column->name = $row['Field'];
        $column->dbType = $row['Type'];
        $column->allowNull = $row['Null'] === 'YES';
        $column->isPrimaryKey = str_contains((string) $row['Key'], 'PRI');
        $column->autoIncrement = str_contains(strtolower((string) $row['Extra']), 'auto_increment');
        if (preg_match('/^(big|small|tiny|medium)?int/', $column->dbType)) {
            $column->type = 'integer';
        } elseif (preg_match('/^(float|double)/', $column->dbType)) {
            $column->type = 'double';
        }
        if (preg_match('/\((\d+)/', $column->dbType, $m)) {
            $column->size = (int) $m[1];
        }
        if ($row['Default'] !== null && !str_contains(strtolower((string) $row['Default']), 'current_timestamp')) {
            $column->defaultValue = $column->typecast($row['Default']);
        }

        return $column;
    }

    public function typecast(mixed $value): mixed
    {
        if ($value === null || gettype($value) === $this->type) {
            return $value;
        }
        if ($value === '' && $this->allowNull) {
            return $this->type === 'string' ? '' : null;
        }

        return match ($this->type) {
            'integer' => (int) $value,
            'double' => (float) $value,
            default => (string) $value,
        };
    }
}
