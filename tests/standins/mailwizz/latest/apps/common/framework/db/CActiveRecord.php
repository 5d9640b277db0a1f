<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One row of a table as an object; which columns there are is asked of the database.

declare(strict_types=1);

/**
 * @property bool  $isNewRecord
 * @property mixed $primaryKey
 * @property array $attributes
 */
abstract class CActiveRecord extends CModel
{
    /** @var array<class-string, static> */
    private static array $finders = [];

    private bool $new = false;

    /** @var array<string, mixed> */
    private array $values = [];

    private mixed $oldKey = null;

    public function __construct(?string $scenario = 'insert')
    {
        if ($scenario === null) {
            return;
        }
        $this->currentScenario = $scenario;
        $this->new = true;
        foreach ($this->getTableSchema()->columns as $name => $column) {
            if ($column->defaultValue !== null) {
                $this->values[$name] = $column->defaultValue;
            }
        }
        $this->afterConstruct();
    }

    public static function model(string $className = ''): static
    {
        return self::$finders[static::class] ??= new static(null);
    }

    abstract public function tableName(): string;

    public function getDbConnection(): CDbConnection
    {
        return Yii::app()->db;
    }

    public function getTableSchema(): CDbTableSchema
    {
        $table = $this->getDbConnection()->getTable($this->tableName());
        if ($table === null) {
            throw new CDbException(sprintf(
                'The table "%s" for active record class "%s" cannot be found in the database.',
                $this->tableName(),
                static::class
            ));
        }

        return $table;
    }

    public function attributeNames(): array
    {
        return $this->getTableSchema()->getColumnNames();
    }

    public function hasAttribute(string $name): bool
    {
        return isset($this->getTableSchema()->columns[$name]);
    }

    public function getAttribute(string $name): mixed
    {
        return property_exists($this, $name) ? $this->$name : ($this->values[$name] ?? null);
    }

    public function setAttribute(string $name, mixed $value): bool
    {
        if (property_exists($this, $name)) {
            $this->$name = $value;
        } elseif ($this->hasAttribute($name)) {
            $this->values[$name] = $value;
        } else {
            return false;
        }

        return true;
    }

    /** @param bool|list<string> $names all columns, or only those named */
    public function getAttributes(mixed $names = true): array
    {
        $attributes = [];
        foreach (is_array($names) ? $names : $this->attributeNames() as $name) {
            $attributes[$name] = $this->getAttribute($name);
        }

        return $attributes;
    }

    public function __get(string $name): mixed
    {
        return array_key_exists($name, $this->values) || $this->hasAttribute($name) ? ($this->values[$name] ?? null) : parent::__get($name);
    }

    public function __set(string $name, mixed $value): void
    {
        if (!$this->setAttribute($name, $value)) {
            parent::__set($name, $value);
        }
    }

    public function __isset(string $name): bool
    {
        return isset($this->values[$name]) || (!$this->hasAttribute($name) && parent::__isset($name));
    }

    public function __unset(string $name): void
    {
        unset($this->values[$name]);
    }

    public function getIsNewRecord(): bool
    {
        return $this->new;
    }

    public function setIsNewRecord(bool $value): void
    {
        $this->new = $value;
    }

    public function getPrimaryKey(): mixed
    {
        $key = $this->getTableSchema()->primaryKey;
        if (is_array($key)) {
            return $this->getAttributes($key);
        }

        return $key === null ? null : $this->getAttribute($key);
    }

    // Writing

    public function save(bool $runValidation = true, ?array $attributes = null): bool
    {
        if ($runValidation && !$this->validate($attributes)) {
            return false;
        }

        return $this->new ? $this->insert($attributes) : $this->update($attributes);
    }

    public function insert(?array $attributes = null): bool
    {
        if (!$this->new) {
            throw new CDbException('The active record cannot be inserted to database because it is not new.');
        }
        if (!$this->beforeSave()) {
            return false;
        }
        $table = $this->getTableSchema();
        $names = $marks = $values = [];
        foreach ($this->getAttributes($attributes ?? true) as $name => $value) {
            $column = $table->getColumn($name);
            if ($column !== null && ($value !== null || $column->allowNull)) {
                $names[] = $this->getDbConnection()->quoteColumnName($name);
                $marks[] = ':yp' . count($marks);
                $values[end($marks)] = $column->typecast($value);
            }
        }
        $sql = sprintf('INSERT INTO %s (%s) VALUES (%s)', $table->rawName, implode(', ', $names), implode(', ', $marks));
        $this->getDbConnection()->createCommand($sql)->execute($values);
        $key = $table->primaryKey;
        if (is_string($key) && $table->columns[$key]->autoIncrement && $this->getAttribute($key) === null) {
            $this->values[$key] = (int) $this->getDbConnection()->getLastInsertID();
        }
        $this->oldKey = $this->getPrimaryKey();
        $this->afterSave();
        $this->new = false;
        $this->currentScenario = 'update';

        return true;
    }

    public function update(?array $attributes = null): bool
    {
        if ($this->new) {
            throw new CDbException('The active record cannot be updated because it is new.');
        }
        if (!$this->beforeSave()) {
            return false;
        }
        $this->updateByPk($this->oldKey, $this->getAttributes($attributes ?? true));
        $this->oldKey = $this->getPrimaryKey();
        $this->afterSave();

        return true;
    }

    /**
     * Only these columns, without validation and without what save() does besides. True when a row changed.
     *
     * @param array<int|string, mixed> $attributes names, or name => value
     */
    public function saveAttributes(array $attributes): bool
    {
        if ($this->new) {
            throw new CDbException('The active record cannot be updated because it is new.');
        }
        $values = [];
        foreach ($attributes as $name => $value) {
            if (is_int($name)) {
                $values[$value] = $this->getAttribute($value);
            } else {
                $values[$name] = $value;
                $this->$name = $value;
            }
        }
        if ($this->updateByPk($this->oldKey, $values) === 0) {
            return false;
        }
        $this->oldKey = $this->getPrimaryKey();

        return true;
    }

    public function delete(): bool
    {
        if ($this->new) {
            throw new CDbException('The active record cannot be deleted because it is new.');
        }
        if (!$this->beforeDelete()) {
            return false;
        }
        $deleted = $this->deleteByPk($this->oldKey) > 0;
        $this->afterDelete();

        return $deleted;
    }

    public function refresh(): bool
    {
        $fresh = $this->new ? null : static::model()->findByPk($this->oldKey);
        if ($fresh === null) {
            return false;
        }
        $this->populate($fresh->values);

        return true;
    }

    // Finding

    /** @param CDbCriteria|array|string $condition */
    public function find(mixed $condition = '', array $params = []): ?static
    {
        $criteria = $this->criteria($condition, $params);
        $criteria->limit = 1;

        return $this->select($criteria)[0] ?? null;
    }

    /** @return list<static> */
    public function findAll(mixed $condition = '', array $params = []): array
    {
        return $this->select($this->criteria($condition, $params));
    }

    public function findByPk(mixed $pk, mixed $condition = '', array $params = []): ?static
    {
        return $this->findByAttributes($this->keyAttributes($pk), $condition, $params);
    }

    /** @return list<static> */
    public function findAllByPk(mixed $pk, mixed $condition = '', array $params = []): array
    {
        return $this->findAllByAttributes([$this->getTableSchema()->primaryKey => $pk], $condition, $params);
    }

    public function findByAttributes(array $attributes, mixed $condition = '', array $params = []): ?static
    {
        $criteria = $this->withAttributes($attributes, $this->criteria($condition, $params));
        $criteria->limit = 1;

        return $this->select($criteria)[0] ?? null;
    }

    /** @return list<static> */
    public function findAllByAttributes(array $attributes, mixed $condition = '', array $params = []): array
    {
        return $this->select($this->withAttributes($attributes, $this->criteria($condition, $params)));
    }

    /** @return list<static> */
    public function findAllBySql(string $sql, array $params = []): array
    {
        return array_map([$this, 'instantiate'], $this->getDbConnection()->createCommand($sql)->queryAll(true, $params));
    }

    /** A string, as the framework answers. */
    public function count(mixed $condition = '', array $params = []): string
    {
        return $this->countRows($this->criteria($condition, $params));
    }

    public function countByAttributes(array $attributes, mixed $condition = '', array $params = []): string
    {
        return $this->countRows($this->withAttributes($attributes, $this->criteria($condition, $params)));
    }

    public function exists(mixed $condition = '', array $params = []): bool
    {
        return $this->find($condition, $params) !== null;
    }

    // Without objects

    /** @return int rows changed */
    public function updateByPk(mixed $pk, array $attributes, mixed $condition = '', array $params = []): int
    {
        return $this->updateRows($attributes, $this->withAttributes($this->keyAttributes($pk), $this->criteria($condition, $params), ''));
    }

    public function updateAll(array $attributes, mixed $condition = '', array $params = []): int
    {
        return $this->updateRows($attributes, $this->criteria($condition, $params));
    }

    public function deleteByPk(mixed $pk, mixed $condition = '', array $params = []): int
    {
        return $this->deleteRows($this->withAttributes($this->keyAttributes($pk), $this->criteria($condition, $params), ''));
    }

    public function deleteAll(mixed $condition = '', array $params = []): int
    {
        return $this->deleteRows($this->criteria($condition, $params));
    }

    public function deleteAllByAttributes(array $attributes, mixed $condition = '', array $params = []): int
    {
        return $this->deleteRows($this->withAttributes($attributes, $this->criteria($condition, $params), ''));
    }

    // What models add

    protected function afterConstruct(): void
    {
    }

    protected function beforeSave(): bool
    {
        return true;
    }

    protected function afterSave(): void
    {
    }

    protected function beforeDelete(): bool
    {
        return true;
    }

    protected function afterDelete(): void
    {
    }

    protected function afterFind(): void
    {
    }

    // Statements

    private function criteria(mixed $condition, array $params): CDbCriteria
    {
        if ($condition instanceof CDbCriteria) {
            return clone $condition;
        }
        $criteria = new CDbCriteria(is_array($condition) ? $condition : ['condition' => (string) $condition]);
        $criteria->params += $params;

        return $criteria;
    }

    private function withAttributes(array $attributes, CDbCriteria $criteria, string $alias = 't.'): CDbCriteria
    {
        $table = $this->getTableSchema();
        foreach ($attributes as $name => $value) {
            if ($table->getColumn((string) $name) === null) {
                throw new CDbException(sprintf('Table "%s" does not have a column named "%s".', $table->name, $name));
            }
            $column = $alias . $this->getDbConnection()->quoteColumnName($name);
            if (is_array($value)) {
                $criteria->addInCondition($column, array_values($value));
            } elseif ($value === null) {
                $criteria->addCondition($column . ' IS NULL');
            } else {
                $criteria->addInCondition($column, [$table->getColumn($name)->typecast($value)]);
            }
        }

        return $criteria;
    }

    /** @return array<string, mixed> */
    private function keyAttributes(mixed $pk): array
    {
        return is_array($pk) && !array_is_list($pk) ? $pk : [$this->getTableSchema()->primaryKey => $pk];
    }

    /** @return list<static> */
    private function select(CDbCriteria $criteria): array
    {
        $sql = sprintf('SELECT %s FROM %s t', $criteria->select === '*' ? 't.*' : $criteria->select, $this->getTableSchema()->rawName);

        return array_map(
            [$this, 'instantiate'],
            $this->getDbConnection()->createCommand($sql . self::tail($criteria))->queryAll(true, $criteria->params)
        );
    }

    private function countRows(CDbCriteria $criteria): string
    {
        $criteria->order = '';
        $criteria->limit = $criteria->offset = -1;
        $sql = sprintf('SELECT COUNT(*) FROM %s t', $this->getTableSchema()->rawName) . self::tail($criteria);

        return (string) $this->getDbConnection()->createCommand($sql)->queryScalar($criteria->params);
    }

    private function updateRows(array $attributes, CDbCriteria $criteria): int
    {
        $table = $this->getTableSchema();
        $sets = $values = [];
        foreach ($attributes as $name => $value) {
            $column = $table->getColumn((string) $name);
            if ($column === null || ($value === null && !$column->allowNull)) {
                continue;
            }
            $sets[] = $this->getDbConnection()->quoteColumnName($name) . '=:yp' . count($sets);
            $values[':yp' . (count($sets) - 1)] = $column->typecast($value);
        }
        if ($sets === []) {
            throw new CDbException(sprintf('No columns are being updated for table "%s".', $table->name));
        }
        $sql = sprintf('UPDATE %s SET %s', $table->rawName, implode(', ', $sets)) . self::tail($criteria);

        return $this->getDbConnection()->createCommand($sql)->execute($values + $criteria->params);
    }

    private function deleteRows(CDbCriteria $criteria): int
    {
        $sql = sprintf('DELETE FROM %s', $this->getTableSchema()->rawName) . self::tail($criteria);

        return $this->getDbConnection()->createCommand($sql)->execute($criteria->params);
    }

    private static function tail(CDbCriteria $criteria): string
    {
        return ($criteria->join !== '' ? ' ' . $criteria->join : '')
            . ($criteria->condition !== '' ? ' WHERE ' . $criteria->condition : '')
            . ($criteria->group !== '' ? ' GROUP BY ' . $criteria->group : '')
            . ($criteria->order !== '' ? ' ORDER BY ' . $criteria->order : '')
            . ($criteria->limit >= 0 ? ' LIMIT ' . $criteria->limit : '')
            . ($criteria->offset > 0 ? ' OFFSET ' . $criteria->offset : '');
    }

    private function instantiate(array $row): static
    {
        $record = new static(null);
        $record->currentScenario = 'update';
        $record->populate($row);

        return $record;
    }

    private function populate(array $row): void
    {
        $this->values = $row;
        $this->oldKey = $this->getPrimaryKey();
        $this->afterFind();
    }
}
