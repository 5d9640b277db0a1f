<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What PHP must be able to do.

declare(strict_types=1);

class RequirementsStep extends InstallStep
{
    private const SERVER = ['HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT', 'SCRIPT_NAME', 'SCRIPT_FILENAME', 'PHP_SELF', 'HTTP_ACCEPT', 'HTTP_USER_AGENT'];

    /** @return array<string, string> requirement => '' when met, else what is wrong */
    public function requirements(): array
    {
        $missing = array_filter(self::SERVER, static fn (string $name): bool => !isset($_SERVER[$name]) || $_SERVER[$name] === '');
        $list = [
            'PHP version' => PHP_VERSION_ID >= 70200 ? '' : 'PHP 7.2 or higher is required.',
            '$_SERVER variable' => $missing === [] ? '' : '$_SERVER does not have ' . implode(', ', $missing) . '.',
        ];
        foreach (['pdo', 'pdo_mysql', 'mbstring', 'curl', 'zip', 'dom', 'spl', 'pcre', 'reflection'] as $extension) {
            $list[$extension . ' extension'] = extension_loaded($extension) ? '' : 'The extension is missing.';
        }
        $list['curl_exec function'] = function_exists('curl_exec') ? '' : 'The function is disabled.';
        $freetype = extension_loaded('gd') && (gd_info()['FreeType Support'] ?? false);
        $list['GD with FreeType or Imagick'] = $freetype || extension_loaded('imagick') ? '' : 'Neither is there.';

        return $list;
    }

    public function result(): int
    {
        return array_filter($this->requirements()) === [] ? 1 : 0;
    }

    public function submit(): bool
    {
        if ((int) $this->value('result', '0') === 0 || $this->result() === 0) {
            $failed = array_filter($this->requirements());
            $detail = implode(' ', array_map(static fn ($name, $why): string => $name . ': ' . $why, array_keys($failed), $failed));
            $this->error('', trim('Not all requirements are met, please fix them to continue! ' . $detail));

            return false;
        }

        return true;
    }
}
