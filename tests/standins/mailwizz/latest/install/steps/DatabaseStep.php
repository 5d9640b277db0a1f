<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The database: login, configuration file, tables and first rows.

declare(strict_types=1);

class DatabaseStep extends InstallStep
{
    public function submit(): bool
    {
        foreach (['hostname' => 'hostname', 'dbname' => 'database name', 'username' => 'username'] as $field => $label) {
            if ($this->value($field) === '') {
                $this->error($field, sprintf('Please provide the %s!', $label));
            }
        }
        if ($this->value('port') !== '' && !preg_match('/^\d{1,5}$/', $this->value('port'))) {
            $this->error('port', 'The port is a number!');
        }
        if ($this->value('dbname') !== '' && !preg_match('/^[A-Za-z0-9_-]+$/', $this->value('dbname'))) {
            $this->error('dbname', 'The database name may hold letters, digits, underscores and dashes!');
        }
        if (!preg_match('/^[a-z0-9_]*$/', $this->value('prefix'))) {
            $this->error('prefix', 'The tables prefix may hold lowercase letters, digits and underscores!');
        }
        if ($this->errors !== []) {
            return false;
        }
        try {
            $pdo = $this->connect();
        } catch (PDOException $e) {
            $this->error('', $e->getMessage());

            return false;
        }
        if (!$this->writeConfig()) {
            $this->error('', 'Cannot write the configuration file ' . Installer::CONFIG . '!');

            return false;
        }
        $_SESSION['config_file_created'] = true;
        try {
            $this->import($pdo);
        } catch (PDOException $e) {
            $this->error('', 'The import failed: ' . $e->getMessage());

            return false;
        }

        return true;
    }

    private function connectionString(): string
    {
        $host = $this->value('hostname');
        if (str_starts_with($host, 'unix_socket=')) {
            return sprintf('mysql:%s;dbname=%s', $host, $this->value('dbname'));
        }
        $port = $this->value('port') === '' ? '' : ';port=' . $this->value('port');

        return sprintf('mysql:host=%s%s;dbname=%s', $host, $port, $this->value('dbname'));
    }

    private function connect(): PDO
    {
        $pdo = new PDO($this->connectionString(), $this->value('username'), $this->value('password'), [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_TIMEOUT => 10,
        ]);
        $pdo->exec('SET time_zone="+00:00"');
        $pdo->exec('SET NAMES utf8');
        $pdo->exec('SET SQL_MODE=""');

        return $pdo;
    }

    private function writeConfig(): bool
    {
        $quote = static fn (string $text): string => str_replace(['\\', "'"], ['\\\\', "\\'"], $text);
        $text = strtr((string) file_get_contents(MW_APPS_PATH . '/common/data/config/main-custom.php'), [
            '{DB_CONNECTION_STRING}' => $quote($this->connectionString()),
            '{DB_USER}' => $quote($this->value('username')),
            '{DB_PASS}' => $quote($this->value('password')),
            '{DB_PREFIX}' => $this->value('prefix'),
            '{EMAILS_CUSTOM_HEADER_PREFIX}' => 'X-',
        ]);
        if (is_file(Installer::CONFIG)) {
            @chmod(Installer::CONFIG, 0777);
        }
        if (@file_put_contents(Installer::CONFIG, $text) === false) {
            return false;
        }

        return @chmod(Installer::CONFIG, 0555);
    }

    private function import(PDO $pdo): void
    {
        $prefix = $this->value('prefix');
        foreach (['schema', 'insert', 'country-zone'] as $name) {
            foreach (CommonHelper::getQueriesFromSqlFile(MW_APPS_PATH . '/common/data/install-sql/' . $name . '.sql', $prefix) as $query) {
                $pdo->exec($query);
            }
        }
        $license = $_SESSION['license'];
        $rows = [
            ['system.license', 'market_place', $license['market_place']],
            ['system.license', 'purchase_code', $license['purchase_code']],
            ['system.license', 'key', $license['purchase_code']],
            ['system.license', 'email', ''],
            ['system.license', 'first_name', ''],
            ['system.license', 'last_name', ''],
            ['system.common', 'version', self::fileVersion()],
            ['system.common', 'site_name', $license['site_name']],
            ['system.common', 'site_tagline', $license['site_tagline']],
            ['system.common', 'site_description', $license['site_description']],
        ];
        $statement = $pdo->prepare(
            "INSERT INTO `{$prefix}option` (`category`, `key`, `value`, `is_serialized`, `date_added`, `last_updated`)"
            . ' VALUES (?, ?, ?, 0, NOW(), NOW()) ON DUPLICATE KEY UPDATE `value` = VALUES(`value`), `last_updated` = NOW()'
        );
        foreach ($rows as $row) {
            $statement->execute($row);
        }
    }

    private static function fileVersion(): string
    {
        preg_match("/'MW_VERSION',\s*'([^']+)'/", (string) file_get_contents(MW_APPS_PATH . '/init.php'), $m);

        return $m[1];
    }
}
