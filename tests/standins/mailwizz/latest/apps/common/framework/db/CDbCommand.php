<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One statement. Rows are arrays by column name; no row is false, as the framework has it.

declare(strict_types=1);

class CDbCommand
{
    private CDbConnection $connection;
    private string $sql;

    /** @var array<int|string, mixed> */
    private array $bound = [];

    public function __construct(CDbConnection $connection, string $sql)
    {
        $this->connection = $connection;
        $this->sql = $sql;
    }

    public function getText(): string
    {
        return $this->sql;
    }

    public function bindValue(int|string $name, mixed $value): static
    {
        $this->bound[$name] = $value;

        return $this;
    }

    /** @param array<string, mixed> $values */
    public function bindValues(array $values): static
    {
        foreach ($values as $name => $value) {
            $this->bound[$name] = $value;
        }

        return $this;
    }

    /** Rows affected. */
    public function execute(array $params = []): int
    {
        return $this->run($params)->rowCount();
    }

    public function queryAll(bool $fetchAssociative = true, array $params = []): array
    {
        return $this->run($params)->fetchAll($fetchAssociative ? PDO::FETCH_ASSOC : PDO::FETCH_NUM);
    }

    public function queryRow(bool $fetchAssociative = true, array $params = []): array|false
    {
        $statement = $this->run($params);
        $row = $statement->fetch($fetchAssociative ? PDO::FETCH_ASSOC : PDO::FETCH_NUM);
        $statement->closeCursor();

        return $row;
    }

    public function queryScalar(array $params = []): mixed
    {
        $row = $this->queryRow(false, $params);

        return $row === false ? false : $row[0];
    }

    public function queryColumn(array $params = []): array
    {
        return $this->run($params)->fetchAll(PDO::FETCH_COLUMN, 0);
    }

    private function run(array $params): PDOStatement
    {
        try {
            $statement = $this->connection->getPdoInstance()->prepare($this->sql);
            foreach ($params + $this->bound as $name => $value) {
                $type = match (true) {
                    is_int($value) => PDO::PARAM_INT,
                    is_bool($value) => PDO::PARAM_BOOL,
                    $value === null => PDO::PARAM_NULL,
                    default => PDO::PARAM_STR,
                };
                $statement->bindValue($name, is_float($value) ? (string) $value : $value, $type);
            }
            $statement->execute();

            return $statement;
        } catch (PDOException $e) {
            throw new CDbException(
                'CDbCommand failed to execute the SQL statement: ' . $e->getMessage() . '. The SQL statement executed was: ' . $this->sql,
                (int) $e->getCode(),
                $e->errorInfo
            );
        }
    }
}
