<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The command line: finds the command and ends with its status.

declare(strict_types=1);

class CConsoleApplication extends CApplication
{
    public string $name = 'console';

    public function run(): void
    {
        $arguments = array_slice($_SERVER['argv'] ?? [], 1);
        $name = array_shift($arguments) ?? '';
        $class = CWebApplication::camel($name) . 'Command';
        if (!preg_match('/^[a-z][a-z0-9-]*$/', $name) || !is_file(MW_APPS_PATH . '/console/commands/' . $class . '.php')) {
            fwrite(STDERR, ($name === '' ? 'No command given.' : sprintf('Unknown command: %s', $name)) . "\n");
            fwrite(STDERR, 'The following commands are available: ' . implode(', ', self::commands()) . "\n");
            $this->end(1);
        }
        try {
            $this->end((new $class($name))->run($arguments));
        } catch (Throwable $e) {
            Yii::log(get_class($e) . ': ' . $e->getMessage(), 'error', 'console');
            fwrite(STDERR, sprintf("%s: %s\n%s(%d)\n", get_class($e), $e->getMessage(), $e->getFile(), $e->getLine()));
            $this->end(1);
        }
    }

    /** @return list<string> */
    private static function commands(): array
    {
        return array_map(
            static fn (string $file): string => strtolower(preg_replace('/(?<!^)[A-Z]/', '-$0', basename($file, 'Command.php'))),
            glob(MW_APPS_PATH . '/console/commands/*Command.php') ?: []
        );
    }
}
