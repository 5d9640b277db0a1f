<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A transaction of the connection.

declare(strict_types=1);

class CDbTransaction
{
    private CDbConnection $connection;

    public function __construct(CDbConnection $connection)
    {
        $this->connection = $connection;
    }

    public function commit(): void
    {
        $this->connection->getPdoInstance()->commit();
    }

    public function rollback(): void
    {
        $this->connection->getPdoInstance()->rollBack();
    }

    public function getActive(): bool
    {
        return $this->connection->getPdoInstance()->inTransaction();
    }
}
