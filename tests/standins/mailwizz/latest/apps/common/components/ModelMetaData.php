<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What a row keeps in meta_data: a PHP-serialized array. Keys that nobody knows stay as they are.

declare(strict_types=1);

class ModelMetaData
{
    /** @var array<string, mixed> */
    private array $items = [];

    public static function fromText(?string $text): self
    {
        $meta = new self();
        $items = $text === null || $text === '' ? [] : @unserialize($text, ['allowed_classes' => false]);
        $meta->items = is_array($items) ? $items : [];

        return $meta;
    }

    public function toText(): string
    {
        return serialize($this->items);
    }

    public function add(string $key, mixed $value): void
    {
        $this->items[$key] = $value;
    }

    public function itemAt(string $key): mixed
    {
        return $this->items[$key] ?? null;
    }

    public function contains(string $key): bool
    {
        return array_key_exists($key, $this->items);
    }

    public function remove(string $key): mixed
    {
        $value = $this->itemAt($key);
        unset($this->items[$key]);

        return $value;
    }

    public function toArray(): array
    {
        return $this->items;
    }
}
