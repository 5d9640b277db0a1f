<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** A lock by name that ends with its process, however that ends. */
final class Mutex
{
    /** @var resource */
    private $file;

    private function __construct($file)
    {
        $this->file = $file;
    }

    /** The lock, or null while another process has it. */
    public static function take(string $name): ?self
    {
        $folder = dirname(__DIR__) . '/runtime/mutex';
        if (!is_dir($folder) && !@mkdir($folder, 0770, true) && !is_dir($folder)) {
            throw new RuntimeException("$folder cannot be made: is apps/common/runtime writable for this user?");
        }
        $path = $folder . '/' . sha1($name) . '.lock';
        $file = @fopen($path, 'c');
        if (!$file) {
            throw new RuntimeException("$path cannot be opened: did another user run this command before?");
        }
        return flock($file, LOCK_EX | LOCK_NB) ? new self($file) : null;
    }

    public function release(): void
    {
        flock($this->file, LOCK_UN);
        fclose($this->file);
    }
}
