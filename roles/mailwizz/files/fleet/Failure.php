<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What went wrong: where, what, and the remedy.

declare(strict_types=1);

namespace EmailEngine\Fleet;

final class Failure extends \Exception
{
    /** @var string */
    private $where;

    /** @var string */
    private $remedy;

    public function __construct(string $where, string $what, string $remedy)
    {
        parent::__construct($what);
        $this->where = $where;
        $this->remedy = $remedy;
    }

    public static function unexpected(\Throwable $error): self
    {
        $database = $error instanceof \PDOException || strpos(get_class($error), 'CDb') === 0;
        return new self(
            $database ? 'database of MailWizz' : sprintf('%s, line %d', $error->getFile(), $error->getLine()),
            get_class($error) . ': ' . self::short($error->getMessage()),
            $database ? 'See that it runs, and that apps/common/config/main-custom.php still opens it' : 'Nothing was changed; look in apps/common/runtime'
        );
    }

    /** @return array{where: string, what: string, remedy: string} */
    public function told(): array
    {
        return ['where' => $this->where, 'what' => $this->getMessage(), 'remedy' => $this->remedy];
    }

    /** Of a message of the database, without the statement and the values that it was about. */
    private static function short(string $message): string
    {
        return substr(preg_replace('/\.? ?The SQL statement executed was.*/s', '', $message), 0, 400);
    }
}
