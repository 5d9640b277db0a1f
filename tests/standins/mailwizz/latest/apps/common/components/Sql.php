<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** SQL on the application's own connection; {{name}} becomes the table's name with the installation's prefix. */
final class Sql
{
    /** @var array<string, array<string, bool>> */
    private static $columns = [];

    public static function pdo(): PDO
    {
        return Yii::app()->db->getPdoInstance();
    }

    /** @param array<string, mixed> $params named, without the colon */
    public static function run(string $sql, array $params = []): PDOStatement
    {
        $statement = self::pdo()->prepare(preg_replace('/\{\{(\w+)\}\}/', '`' . Yii::app()->db->tablePrefix . '$1`', $sql));
        foreach ($params as $name => $value) {
            $type = is_int($value) ? PDO::PARAM_INT : ($value === null ? PDO::PARAM_NULL : PDO::PARAM_STR);
            $statement->bindValue(':' . $name, $value, $type);
        }
        $statement->execute();
        return $statement;
    }

    /** @return array<string, mixed>|null */
    public static function row(string $sql, array $params = []): ?array
    {
        return self::run($sql, $params)->fetch(PDO::FETCH_ASSOC) ?: null;
    }

    /** @return list<array<string, mixed>> */
    public static function rows(string $sql, array $params = []): array
    {
        return self::run($sql, $params)->fetchAll(PDO::FETCH_ASSOC);
    }

    /** @return mixed the first column of the first row, null without a row */
    public static function value(string $sql, array $params = [])
    {
        $value = self::run($sql, $params)->fetchColumn();
        return $value === false ? null : $value;
    }

    /** Adds one row; the two dates of the product's tables are filled in where the table has them. */
    public static function insert(string $table, array $row): int
    {
        foreach (['date_added', 'last_updated'] as $date) {
            if (!array_key_exists($date, $row) && isset(self::columns($table)[$date])) {
                $row[$date] = self::now();
            }
        }
        $names = array_keys($row);
        self::run(
            "INSERT INTO {{{$table}}} (`" . implode('`, `', $names) . '`) VALUES (:' . implode(', :', $names) . ')',
            $row
        );
        return (int) self::pdo()->lastInsertId();
    }

    /** Changes the rows that carry all of $where. Returns how many. */
    public static function update(string $table, array $values, array $where): int
    {
        if (isset(self::columns($table)['last_updated'])) {
            $values += ['last_updated' => self::now()];
        }
        $set = $cond = $params = [];
        foreach ($values as $name => $value) {
            $set[] = "`$name` = :$name";
            $params[$name] = $value;
        }
        foreach ($where as $name => $value) {
            $cond[] = "`$name` = :w_$name";
            $params["w_$name"] = $value;
        }
        return self::run("UPDATE {{{$table}}} SET " . implode(', ', $set) . ' WHERE ' . implode(' AND ', $cond), $params)->rowCount();
    }

    /** @return array<string, bool> the columns that this installation's table has */
    public static function columns(string $table): array
    {
        if (!isset(self::$columns[$table])) {
            $names = array_column(self::rows("SHOW COLUMNS FROM {{{$table}}}"), 'Field');
            self::$columns[$table] = array_fill_keys($names, true);
        }
        return self::$columns[$table];
    }

    /** @param mixed $default */
    public static function option(string $name, $default = null)
    {
        return Yii::app()->options->get($name, $default);
    }

    /** UTC, as the product's connections have it. */
    public static function now(): string
    {
        return gmdate('Y-m-d H:i:s');
    }

    /** An identifier of thirteen characters that the table does not have yet. */
    public static function uid(string $table, string $column): string
    {
        do {
            $uid = substr(str_replace(['+', '/', '='], '', strtolower(base64_encode(random_bytes(20)))), 0, 13);
        } while (strlen($uid) < 13 || self::value("SELECT 1 FROM {{{$table}}} WHERE `$column` = :u", ['u' => $uid]));
        return $uid;
    }
}
