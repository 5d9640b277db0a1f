<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One step: checks what was posted, keeps the errors for its page.

declare(strict_types=1);

abstract class InstallStep
{
    /** @var array<string, string> field => error; '' holds what concerns no field */
    protected array $errors = [];

    /** Each visit, before anything else. */
    public function enter(): void
    {
    }

    /** True when the next step may follow. */
    abstract public function submit(): bool;

    public function title(): string
    {
        return ucfirst(strtolower(substr(static::class, 0, -4)));
    }

    public function value(string $field, string $default = ''): string
    {
        return is_string($_POST[$field] ?? null) ? $_POST[$field] : $default;
    }

    /** The field's error as the page shows it. */
    public function fieldError(string $field): string
    {
        return isset($this->errors[$field]) ? '<div class="errorMessage">' . self::html($this->errors[$field]) . '</div>' : '';
    }

    public function summary(): string
    {
        if ($this->errors === []) {
            return '';
        }
        $text = $this->errors[''] ?? 'Your form contains errors, please correct them and try again!';

        return '<div class="alert alert-block alert-danger">' . self::html($text) . '</div>';
    }

    /** The field's value for an attribute of HTML. */
    public function shown(string $field, string $default = ''): string
    {
        return self::html($this->value($field, $default));
    }

    /** @param array<string, string> $choices value => label */
    public function options(string $field, array $choices, string $default = ''): string
    {
        $options = '';
        foreach ($choices as $value => $text) {
            $selected = $this->value($field, $default) === (string) $value ? ' selected="selected"' : '';
            $options .= sprintf('<option value="%s"%s>%s</option>', self::html((string) $value), $selected, self::html($text));
        }

        return $options;
    }

    public static function html(string $text): string
    {
        return htmlspecialchars($text, ENT_QUOTES, 'UTF-8');
    }

    protected function error(string $field, string $text): void
    {
        $this->errors[$field] ??= $text;
    }
}
