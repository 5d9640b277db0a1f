<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One MailWizz on this host: what its files say, its database, and the application itself.

declare(strict_types=1);

namespace EmailEngine\Fleet;

final class Product
{
    /** @var string */
    private $root;

    /** @var Speech */
    private $speech;

    public function __construct(string $root, Speech $speech)
    {
        $this->root = rtrim($root, '/');
        $this->speech = $speech;
        if (!is_file($this->root . '/apps/init.php')) {
            throw new Failure($this->root, 'holds no MailWizz: apps/init.php is not there', 'Unpack the archive there first, or give another root');
        }
    }

    /** The version of the files. */
    public function fileVersion(): ?string
    {
        $text = (string) file_get_contents($this->root . '/apps/init.php');
        return preg_match('/[\'"]MW_VERSION[\'"]\s*,\s*[\'"]([^\'"]+)[\'"]/', $text, $found) ? $found[1] : null;
    }

    /** Whether the installer wrote down a database. */
    public function configured(): bool
    {
        $path = $this->configurationPath();
        if (!is_file($path)) {
            return false;
        }
        $text = @file_get_contents($path);
        if ($text === false) {
            throw new Failure($path, 'cannot be read', 'Run this as the web server\'s user');
        }
        return strpos($text, '{DB_') === false;
    }

    /**
     * The database as the installer wrote it down, or null where it did not. Not together with boot(), which makes constants of its own.
     *
     * @return array{connectionString: string, username: string, password: string, tablePrefix: string}|null
     */
    public function configuration(): ?array
    {
        if (!$this->configured()) {
            return null;
        }
        $path = $this->configurationPath();
        $this->speech->doing('reading ' . $path);
        // Files of the product may end the process where nobody says that they are read by it.
        defined('MW_PATH') || define('MW_PATH', $this->root);
        $found = require $path;
        $db = is_array($found) ? ($found['components']['db'] ?? null) : null;
        if (!is_array($db) || !isset($db['connectionString'])) {
            throw new Failure($path, 'does not say components.db.connectionString', 'Compare it with apps/common/data/config/main-custom.php');
        }
        return $db + ['username' => '', 'password' => '', 'tablePrefix' => ''];
    }

    private function configurationPath(): string
    {
        return $this->root . '/apps/common/config/main-custom.php';
    }

    /** @param array{connectionString: string, username: string, password: string} $db */
    public static function open(array $db): \PDO
    {
        try {
            return new \PDO($db['connectionString'], $db['username'], $db['password'], [
                \PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION,
                \PDO::ATTR_TIMEOUT => 10,
            ]);
        } catch (\PDOException $error) {
            throw new Failure(
                'database ' . preg_replace('/^mysql:/', '', $db['connectionString']),
                'cannot be opened as ' . $db['username'] . ': ' . $error->getMessage(),
                'See that it runs, that it can be reached from here, and that name, user and password are right'
            );
        }
    }

    /** The application itself, started without running one of its commands. */
    public function boot(): object
    {
        if (!$this->configured()) {
            throw new Failure($this->root, 'MailWizz is not installed there', 'Install it first (mailwizz_install)');
        }
        $this->speech->doing('starting MailWizz');
        // A version without the hook would run a command: one that only says hello.
        $_SERVER['argv'] = $GLOBALS['argv'] = [$this->root . '/apps/console/console.php', 'hello'];
        $_SERVER['argc'] = $GLOBALS['argc'] = 2;
        define('MW_APP_NAME', 'console');
        define('MW_RETURN_APP_INSTANCE', true);
        $application = require $this->root . '/apps/init.php';
        if (!is_object($application) || !class_exists('Yii') || \Yii::app() === null) {
            throw new Failure(
                $this->root . '/apps/init.php',
                'did not return the application, as it does where it knows MW_RETURN_APP_INSTANCE',
                'This version (' . ($this->fileVersion() ?? 'unknown') . ') cannot be started from a script: use another'
            );
        }
        // A warning of the product's, which it would answer by an error page and an exit, is no reason to stop half-way.
        set_error_handler(function (int $type, string $message, string $file = '', int $line = 0): bool {
            if (error_reporting() & $type) {
                fwrite(STDERR, "$message ($file, line $line)\n");
            }
            return true;
        });
        $this->speech->doing('working with MailWizz');
        // Before anything else, so that a database that is away is called that.
        // A row or a table that another job holds for long ends the run with an error that says so.
        $application->db->createCommand('SET SESSION innodb_lock_wait_timeout = 30, SESSION lock_wait_timeout = 30')->execute();
        return $application;
    }
}
