<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Options as the application uses them: 'category.key', the key behind the last dot. Read from the table each time.

declare(strict_types=1);

class OptionsManager
{
    public function get(string $name, mixed $default = null): mixed
    {
        [$category, $key] = self::split($name);
        $row = Yii::app()->db->createCommand(
            'SELECT `value`, `is_serialized` FROM {{option}} WHERE `category` = :c AND `key` = :k'
        )->queryRow(true, [':c' => $category, ':k' => $key]);
        if ($row === false) {
            return $default;
        }

        return $row['is_serialized'] ? unserialize($row['value']) : $row['value'];
    }

    public function set(string $name, mixed $value): bool
    {
        [$category, $key] = self::split($name);
        $serialized = !is_scalar($value) && $value !== null;
        Yii::app()->db->createCommand(
            'INSERT INTO {{option}} (`category`, `key`, `value`, `is_serialized`, `date_added`, `last_updated`)'
            . ' VALUES (:c, :k, :v, :s, NOW(), NOW())'
            . ' ON DUPLICATE KEY UPDATE `value` = VALUES(`value`), `is_serialized` = VALUES(`is_serialized`), `last_updated` = NOW()'
        )->execute([':c' => $category, ':k' => $key, ':v' => $serialized ? serialize($value) : (string) $value, ':s' => (int) $serialized]);

        return true;
    }

    public function remove(string $name): bool
    {
        [$category, $key] = self::split($name);

        return Yii::app()->db->createCommand('DELETE FROM {{option}} WHERE `category` = :c AND `key` = :k')
            ->execute([':c' => $category, ':k' => $key]) > 0;
    }

    /** @return array{string, string} category and key */
    public static function split(string $name): array
    {
        $dot = strrpos($name, '.');
        if ($dot === false) {
            return ['misc', $name];
        }

        return [substr($name, 0, $dot), substr($name, $dot + 1)];
    }
}
