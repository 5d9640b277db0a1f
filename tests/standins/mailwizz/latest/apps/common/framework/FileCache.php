<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Values kept in files under apps/common/runtime/cache, each with the second at which it ends.

declare(strict_types=1);

class FileCache
{
    private string $directory;

    public function __construct(string $directory)
    {
        $this->directory = $directory;
    }

    public function get(string $key): mixed
    {
        $text = @file_get_contents($this->file($key));
        if ($text === false) {
            return false;
        }
        $entry = @unserialize($text);
        if (!is_array($entry) || ($entry['expires'] !== 0 && $entry['expires'] < time())) {
            return false;
        }

        return $entry['value'];
    }

    public function set(string $key, mixed $value, int $seconds = 0): bool
    {
        if (!is_dir($this->directory) && !@mkdir($this->directory, 0777, true) && !is_dir($this->directory)) {
            return false;
        }
        $file = $this->file($key);
        $new = $file . '.' . getmypid() . bin2hex(random_bytes(4));
        $entry = ['expires' => $seconds > 0 ? time() + $seconds : 0, 'value' => $value];
        if (@file_put_contents($new, serialize($entry)) === false) {
            return false;
        }

        return rename($new, $file);
    }

    public function delete(string $key): bool
    {
        return @unlink($this->file($key));
    }

    public function flush(): bool
    {
        $done = true;
        foreach (glob($this->directory . '/*.bin*') ?: [] as $file) {
            $done = (@unlink($file) || !is_file($file)) && $done;
        }

        return $done;
    }

    private function file(string $key): string
    {
        return $this->directory . '/' . sha1($key) . '.bin';
    }
}
