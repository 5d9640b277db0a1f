<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The connection, opened when first used; {{name}} in a statement is the table with the configured prefix.

declare(strict_types=1);

/**
 * @property PDO $pdoInstance
 */
class CDbConnection
{
    public string $connectionString;
    public string $username;
    public string $password;
    public string $tablePrefix;

    private ?PDO $pdo = null;

    /** @var array<string, CDbTableSchema> */
    private array $tables = [];

    public function __construct(array $config)
    {
        $this->connectionString = $config['connectionString'];
        $this->username = $config['username'];
        $this->password = $config['password'];
        $this->tablePrefix = $config['tablePrefix'];
    }

    public function getPdoInstance(): PDO
    {
        if ($this->pdo === null) {
            try {
                $this->pdo = new PDO($this->connectionString, $this->username, $this->password, [
                    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
                    PDO::ATTR_EMULATE_PREPARES => true,
                    PDO::ATTR_TIMEOUT => 10,
                ]);
                $this->pdo->exec('SET time_zone="+00:00"');
                $this->pdo->exec('SET NAMES utf8');
                $this->pdo->exec('SET SQL_MODE=""');
            } catch (PDOException $e) {
                throw new CDbException('CDbConnection failed to open the DB connection: ' . $e->getMessage(), (int) $e->getCode(), $e->errorInfo);
            }
        }

        return $this->pdo;
    }

    public function __get(string $name): mixed
    {
        if ($name === 'pdoInstance') {
            return $this->getPdoInstance();
        }
        throw new CException(sprintf('Property "%s.%s" is not defined.', self::class, $name));
    }

    public function setActive(bool $active): void
    {
        $this->pdo = null;
        if ($active) {
            $this->getPdoInstance();
        }
    }

    public function createCommand(string $sql): CDbCommand
    {
        return new CDbCommand($this, $this->expand($sql));
    }

    public function expand(string $sql): string
    {
        return preg_replace('/\{\{(.*?)\}\}/', '`' . $this->tablePrefix . '$1`', $sql);
    }

    public function beginTransaction(): CDbTransaction
    {
        $this->getPdoInstance()->beginTransaction();

        return new CDbTransaction($this);
    }

    public function getLastInsertID(): string
    {
        return $this->getPdoInstance()->lastInsertId();
    }

    public function quoteColumnName(string $name): string
    {
        return '`' . str_replace('`', '``', $name) . '`';
    }

    /** Columns of a table ('{{name}}'). Kept in the file cache for a year: after a change of tables, clear-cache. */
    public function getTable(string $table): ?CDbTableSchema
    {
        $name = trim($this->expand($table), '`');
        if (!isset($this->tables[$name])) {
            $key = 'schema:' . sha1($this->connectionString . '|' . $name);
            $known = Yii::app()->cache->get($key);
            if (!$known instanceof CDbTableSchema) {
                $known = CDbTableSchema::read($this, $name);
                if ($known === null) {
                    return null;
                }
                Yii::app()->cache->set($key, $known, (int) Yii::app()->params['schema.cache.seconds']);
            }
            $this->tables[$name] = $known;
        }

        return $this->tables[$name];
    }

    public function forgetTables(): void
    {
        $this->tables = [];
    }
}
