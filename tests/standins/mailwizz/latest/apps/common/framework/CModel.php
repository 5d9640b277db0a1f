<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Attributes with rules: mass assignment of what rules name, validation, errors by attribute.

declare(strict_types=1);

abstract class CModel
{
    protected string $currentScenario = 'insert';

    /** @var array<string, list<string>> */
    private array $errors = [];

    /** @return list<string> */
    abstract public function attributeNames(): array;

    /** @return list<array<int|string, mixed>> ['attribute, attribute', 'validator', option => value ...] */
    public function rules(): array
    {
        return [];
    }

    /** @return array<string, string> */
    public function attributeLabels(): array
    {
        return [];
    }

    public function getAttributeLabel(string $attribute): string
    {
        return $this->attributeLabels()[$attribute] ?? ucwords(str_replace('_', ' ', $attribute));
    }

    public function getScenario(): string
    {
        return $this->currentScenario;
    }

    public function setScenario(string $scenario): void
    {
        $this->currentScenario = $scenario;
    }

    public function __get(string $name): mixed
    {
        $getter = 'get' . $name;
        if (method_exists($this, $getter)) {
            return $this->$getter();
        }
        throw new CException(sprintf('Property "%s.%s" is not defined.', static::class, $name));
    }

    public function __set(string $name, mixed $value): void
    {
        $setter = 'set' . $name;
        if (!method_exists($this, $setter)) {
            throw new CException(sprintf('Property "%s.%s" is not defined.', static::class, $name));
        }
        $this->$setter($value);
    }

    public function __isset(string $name): bool
    {
        $getter = 'get' . $name;

        return method_exists($this, $getter) && $this->$getter() !== null;
    }

    /** Attributes that a rule of this scenario names, without those marked as not safe. */
    public function getSafeAttributeNames(): array
    {
        $safe = $unsafe = [];
        foreach ($this->activeRules() as $rule) {
            $names = self::names($rule[0]);
            if ($rule[1] === 'unsafe') {
                $unsafe = array_merge($unsafe, $names);
            } elseif ($rule['safe'] ?? true) {
                $safe = array_merge($safe, $names);
            }
        }

        return array_values(array_unique(array_diff($safe, $unsafe)));
    }

    /** Sets what is safe and silently leaves the rest; all columns (and nothing else) when not $safeOnly. */
    public function setAttributes(mixed $values, bool $safeOnly = true): void
    {
        if (!is_array($values)) {
            return;
        }
        $known = array_flip($safeOnly ? $this->getSafeAttributeNames() : $this->attributeNames());
        foreach ($values as $name => $value) {
            if (isset($known[$name])) {
                $this->$name = $value;
            } elseif ($safeOnly) {
                Yii::log(sprintf('Failed to set unsafe attribute "%s" of "%s".', $name, static::class), 'warning');
            }
        }
    }

    public function validate(string|array|null $attributes = null, bool $clearErrors = true): bool
    {
        if ($clearErrors) {
            $this->clearErrors();
        }
        if (!$this->beforeValidate()) {
            return false;
        }
        $wanted = is_string($attributes) ? [$attributes] : $attributes;
        foreach ($this->activeRules() as $rule) {
            foreach (self::names($rule[0]) as $name) {
                if ($wanted === null || in_array($name, $wanted, true)) {
                    Validators::apply($this, $name, $rule);
                }
            }
        }
        $this->afterValidate();

        return !$this->hasErrors();
    }

    public function addError(string $attribute, string $error): void
    {
        $this->errors[$attribute][] = $error;
    }

    public function hasErrors(?string $attribute = null): bool
    {
        return $attribute === null ? $this->errors !== [] : isset($this->errors[$attribute]);
    }

    /** @return array<string, list<string>>|list<string> all by attribute, or those of one */
    public function getErrors(?string $attribute = null): array
    {
        return $attribute === null ? $this->errors : ($this->errors[$attribute] ?? []);
    }

    public function getError(string $attribute): ?string
    {
        return $this->errors[$attribute][0] ?? null;
    }

    public function clearErrors(?string $attribute = null): void
    {
        if ($attribute === null) {
            $this->errors = [];
        } else {
            unset($this->errors[$attribute]);
        }
    }

    protected function beforeValidate(): bool
    {
        return true;
    }

    protected function afterValidate(): void
    {
    }

    private function activeRules(): array
    {
        return array_filter($this->rules(), function (array $rule): bool {
            $on = isset($rule['on']) ? self::names($rule['on']) : [];
            $except = isset($rule['except']) ? self::names($rule['except']) : [];

            return ($on === [] || in_array($this->currentScenario, $on, true)) && !in_array($this->currentScenario, $except, true);
        });
    }

    /** @return list<string> */
    private static function names(string|array $names): array
    {
        return is_array($names) ? $names : preg_split('/[\s,]+/', $names, -1, PREG_SPLIT_NO_EMPTY);
    }
}
