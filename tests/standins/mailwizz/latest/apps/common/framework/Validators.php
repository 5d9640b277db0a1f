<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The rules' validators. Each adds its error to the model; an empty value passes all but 'required'.

declare(strict_types=1);

class Validators
{
    /** @param array<int|string, mixed> $rule */
    public static function apply(CModel $model, string $attribute, array $rule): void
    {
        $kind = $rule[1];
        if (in_array($kind, ['safe', 'unsafe'], true)) {
            return;
        }
        if (method_exists($model, $kind)) {
            $model->$kind($attribute, $rule);

            return;
        }
        $value = $model->$attribute;
        $empty = $value === null || $value === '' || $value === [] || (is_string($value) && trim($value) === '');
        if ($kind === 'required') {
            if ($empty) {
                self::error($model, $attribute, $rule, '{attribute} cannot be blank.');
            }

            return;
        }
        if ($empty && ($rule['allowEmpty'] ?? true)) {
            return;
        }
        if (!method_exists(self::class, $kind . 'Value')) {
            throw new CException('Unknown validator: ' . $kind);
        }
        $message = self::{$kind . 'Value'}($value, $rule, $model, $attribute);
        if ($message !== null) {
            self::error($model, $attribute, $rule, $message);
        }
    }

    private static function error(CModel $model, string $attribute, array $rule, string $message): void
    {
        $model->addError($attribute, strtr($rule['message'] ?? $message, ['{attribute}' => $model->getAttributeLabel($attribute)]));
    }

    private static function lengthValue(mixed $value, array $rule): ?string
    {
        if (is_array($value)) {
            return '{attribute} is invalid.';
        }
        $length = mb_strlen((string) $value);
        if (isset($rule['min']) && $length < $rule['min']) {
            return sprintf('{attribute} is too short (minimum is %d characters).', $rule['min']);
        }
        if (isset($rule['max']) && $length > $rule['max']) {
            return sprintf('{attribute} is too long (maximum is %d characters).', $rule['max']);
        }
        if (isset($rule['is']) && $length !== $rule['is']) {
            return sprintf('{attribute} is of the wrong length (should be %d characters).', $rule['is']);
        }

        return null;
    }

    private static function numericalValue(mixed $value, array $rule): ?string
    {
        if (!is_scalar($value) || is_bool($value) || !is_numeric($value)) {
            return '{attribute} must be a number.';
        }
        if (($rule['integerOnly'] ?? false) && !preg_match('/^\s*[+-]?\d+\s*$/', (string) $value)) {
            return '{attribute} must be an integer.';
        }
        if (isset($rule['min']) && $value < $rule['min']) {
            return sprintf('{attribute} is too small (minimum is %s).', $rule['min']);
        }
        if (isset($rule['max']) && $value > $rule['max']) {
            return sprintf('{attribute} is too big (maximum is %s).', $rule['max']);
        }

        return null;
    }

    private static function inValue(mixed $value, array $rule): ?string
    {
        return is_scalar($value) && in_array((string) $value, array_map('strval', $rule['range']), true) ? null : '{attribute} is not in the list.';
    }

    private static function matchValue(mixed $value, array $rule): ?string
    {
        return is_scalar($value) && (preg_match($rule['pattern'], (string) $value) === 1) !== ($rule['not'] ?? false) ? null : '{attribute} is invalid.';
    }

    /** Plain addresses; international domains in their ASCII form only. */
    private static function emailValue(mixed $value): ?string
    {
        return is_string($value) && strlen($value) <= 254 && EmailAddress::valid($value) ? null : '{attribute} is not a valid email address.';
    }

    private static function urlValue(mixed $value): ?string
    {
        return is_string($value) && strlen($value) < 2000 && preg_match('~^https?://[^\s/]+~i', $value) ? null : '{attribute} is not a valid URL.';
    }

    private static function existValue(mixed $value, array $rule, CModel $model, string $attribute): ?string
    {
        $class = $rule['className'];
        $found = is_scalar($value) && $class::model()->findByAttributes([$rule['attributeName'] ?? $attribute => $value]) !== null;

        return $found ? null : sprintf('{attribute} "%s" is invalid.', is_scalar($value) ? $value : gettype($value));
    }

    private static function uniqueValue(mixed $value, array $rule, CModel $model, string $attribute): ?string
    {
        foreach ($model::model()->findAllByAttributes([$attribute => $value]) as $other) {
            if ($model->getIsNewRecord() || $other->getPrimaryKey() != $model->getPrimaryKey()) {
                return sprintf('{attribute} "%s" has already been taken.', $value);
            }
        }

        return null;
    }
}
