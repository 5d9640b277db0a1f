<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Rules of form fields. Each gives field => text of what is wrong. */
final class Checks
{
    /**
     * @param array<string, string> $values
     * @param array<string, string> $labels required field => its label
     */
    public static function required(array $values, array $labels): array
    {
        $errors = [];
        foreach ($labels as $field => $label) {
            if (!isset($values[$field]) || $values[$field] === '') {
                $errors[$field] = "$label cannot be blank.";
            }
        }
        return $errors;
    }

    public static function email(array $values, string $field, string $label): array
    {
        $value = $values[$field] ?? '';
        return $value === '' || EmailAddress::valid($value) ? [] : [$field => "$label is not a valid email address."];
    }

    public static function length(array $values, string $field, string $label, int $longest): array
    {
        return mb_strlen($values[$field] ?? '') <= $longest ? [] : [$field => "$label is too long (maximum is $longest characters)."];
    }

    public static function choice(array $values, string $field, string $label, array $allowed): array
    {
        $value = $values[$field] ?? '';
        return $value === '' || in_array($value, $allowed, true) ? [] : [$field => "$label is not in the list."];
    }

    /** The texts of a wrapper, trimmed; what is no text is left out. */
    public static function texts(array $wrapper): array
    {
        return array_map('trim', array_filter($wrapper, 'is_string'));
    }
}
