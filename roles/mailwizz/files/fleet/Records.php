<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Rows and models of MailWizz, by what Yii 1 gives every version of it.

declare(strict_types=1);

namespace EmailEngine\Fleet;

final class Records
{
    /**
     * Rows of a statement; {{name}} in it is a table, :list a list of values.
     *
     * @param list<mixed> $list
     * @return list<array<string, mixed>>
     */
    public static function rows(string $sql, array $list = []): array
    {
        $names = [];
        foreach (array_values($list) as $index => $value) {
            $names[':v' . $index] = $value;
        }
        $sql = str_replace(':list', $names ? implode(', ', array_keys($names)) : 'NULL', $sql);
        return \Yii::app()->db->createCommand($sql)->queryAll(true, $names);
    }

    /** A new model of this class, or of the first that this version has. */
    public static function made(string ...$classes): object
    {
        $class = self::known(...$classes);
        return new $class();
    }

    /**
     * Models with these keys, by key, in one query; those that are no longer there are left out.
     *
     * @param list<int> $keys
     * @return array<int, object>
     */
    public static function byKey(array $keys, string ...$classes): array
    {
        if (!$keys) {
            return [];
        }
        $class = self::known(...$classes);
        $found = [];
        foreach ($class::model()->findAllByPk($keys) as $model) {
            $found[(int) $model->getPrimaryKey()] = $model;
        }
        return $found;
    }

    public static function known(string ...$classes): string
    {
        foreach ($classes as $class) {
            if (class_exists($class)) {
                return $class;
            }
        }
        throw new Failure('MailWizz', 'this version has no model ' . implode(' or ', $classes), 'Use a version that has it; nothing was changed');
    }

    /** Sets what the model has, a column or a field of its form; returns what it has not.
     *
     * @param array<string, mixed> $values
     * @return list<string>
     */
    public static function set(object $model, array $values): array
    {
        $unknown = [];
        foreach ($values as $name => $value) {
            if (self::has($model, $name)) {
                $model->$name = $value;
            } else {
                $unknown[] = $name;
            }
        }
        return $unknown;
    }

    public static function has(object $model, string $name): bool
    {
        return $model->hasAttribute($name) || property_exists($model, $name);
    }

    /** Saves with the model's own rules; what they say becomes the error. */
    public static function save(object $model, string $what): void
    {
        if (!$model->save()) {
            throw new Failure($what, 'MailWizz refuses it: ' . self::errors($model), 'Correct what it names');
        }
    }

    public static function errors(object $model): string
    {
        $texts = [];
        foreach ($model->getErrors() as $field => $errors) {
            foreach ((array) $errors as $error) {
                $texts[] = "$field: $error";
            }
        }
        return $texts ? implode('; ', $texts) : 'it gives no reason';
    }

    /**
     * All of the work or none of it.
     *
     * @param callable(): array<string, mixed> $work
     * @return array<string, mixed>
     */
    public static function together(callable $work): array
    {
        $transaction = \Yii::app()->db->beginTransaction();
        try {
            $result = $work();
            $transaction->commit();
        } catch (\Throwable $error) {
            $transaction->rollback();
            throw $error;
        }
        return $result;
    }
}
