<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Folders that must be writable.

declare(strict_types=1);

class FilesystemStep extends InstallStep
{
    private const FOLDERS = [
        'apps/common/config', 'apps/common/runtime', 'backend/assets/cache', 'customer/assets/cache',
        'frontend/assets/cache', 'frontend/assets/files', 'frontend/assets/gallery', 'apps/extensions',
    ];

    /** @return array<string, bool> folder => writable */
    public function folders(): array
    {
        $folders = [];
        foreach (self::FOLDERS as $folder) {
            $folders[$folder] = is_dir(MW_ROOT_PATH . '/' . $folder) && is_writable(MW_ROOT_PATH . '/' . $folder);
        }

        return $folders;
    }

    public function result(): int
    {
        return in_array(false, $this->folders(), true) ? 0 : 1;
    }

    public function submit(): bool
    {
        if ((int) $this->value('result', '0') === 0 || $this->result() === 0) {
            $closed = array_keys(array_filter($this->folders(), static fn (bool $writable): bool => !$writable));
            $this->error('', trim('Not all folders are writable, please fix them to continue! ' . implode(', ', $closed)));

            return false;
        }

        return true;
    }
}
