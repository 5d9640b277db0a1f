<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A condition with its values, order and limits, built up in steps.

declare(strict_types=1);

class CDbCriteria
{
    public string $select = '*';
    public string $condition = '';
    /** @var array<string, mixed> */
    public array $params = [];
    public string $order = '';
    public int $limit = -1;
    public int $offset = -1;
    public string $join = '';
    public string $group = '';

    private static int $count = 0;

    /** @param array<string, mixed> $data */
    public function __construct(array $data = [])
    {
        foreach ($data as $name => $value) {
            $this->$name = $value;
        }
    }

    public function addCondition(string $condition, string $operator = 'AND'): static
    {
        $this->condition = $this->condition === '' ? $condition : '(' . $this->condition . ') ' . $operator . ' (' . $condition . ')';

        return $this;
    }

    /** No condition at all for an empty value, as the framework has it. */
    public function compare(string $column, mixed $value, bool $partialMatch = false, string $operator = 'AND'): static
    {
        if (is_array($value)) {
            return $value === [] ? $this : $this->addInCondition($column, $value, $operator);
        }
        $value = (string) $value;
        $op = '';
        if (preg_match('/^(?:\s*(<>|<=|>=|<|>|=))?(.*)$/s', $value, $m)) {
            [, $op, $value] = $m;
        }
        if ($value === '') {
            return $this;
        }
        $name = self::param();
        if ($partialMatch && $op === '') {
            $this->addCondition("$column LIKE $name", $operator);
            $value = '%' . strtr($value, ['%' => '\%', '_' => '\_', '\\' => '\\\\']) . '%';
        } else {
            $this->addCondition($column . ($op === '' ? '=' : $op) . $name, $operator);
        }
        $this->params[$name] = $value;

        return $this;
    }

    public function addInCondition(string $column, array $values, string $operator = 'AND'): static
    {
        if ($values === []) {
            return $this->addCondition('0=1', $operator);
        }
        $names = [];
        foreach ($values as $value) {
            $names[] = $name = self::param();
            $this->params[$name] = $value;
        }

        return $this->addCondition($column . ' IN (' . implode(', ', $names) . ')', $operator);
    }

    public function addNotInCondition(string $column, array $values, string $operator = 'AND'): static
    {
        if ($values === []) {
            return $this;
        }
        $inner = new self();
        $inner->addInCondition($column, $values);
        $this->params += $inner->params;

        return $this->addCondition('NOT (' . $inner->condition . ')', $operator);
    }

    private static function param(): string
    {
        return ':ycp' . self::$count++;
    }
}
