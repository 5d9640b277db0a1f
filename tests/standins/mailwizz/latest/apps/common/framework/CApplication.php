<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What web and console applications have in common: parts made when first asked for.

declare(strict_types=1);

/**
 * @property CDbConnection  $db
 * @property OptionsManager $options
 * @property FileCache      $cache
 * @property ArrayObject    $params
 */
abstract class CApplication
{
    public string $charset = 'UTF-8';

    /** @var array<string, object> */
    private array $parts = [];

    /** @var array<string, mixed>|null */
    private ?array $config = null;

    abstract public function run(): void;

    public function __get(string $name): mixed
    {
        return $this->parts[$name] ??= $this->make($name);
    }

    public function __isset(string $name): bool
    {
        return isset($this->parts[$name]) || in_array($name, ['db', 'options', 'cache', 'params'], true);
    }

    public function getDb(): CDbConnection
    {
        return $this->__get('db');
    }

    public function getCache(): FileCache
    {
        return $this->__get('cache');
    }

    public function getBasePath(): string
    {
        return MW_APPS_PATH . '/' . MW_APP_NAME;
    }

    public function getRuntimePath(): string
    {
        return MW_APPS_PATH . '/common/runtime';
    }

    /** apps/common/config/main.php overlaid with main-custom.php, the only file that holds the database's login. */
    public function getConfig(): array
    {
        if ($this->config === null) {
            $this->config = require MW_APPS_PATH . '/common/config/main.php';
            $custom = MW_APPS_PATH . '/common/config/main-custom.php';
            if (is_file($custom)) {
                $this->config = array_replace_recursive($this->config, require $custom);
            }
        }

        return $this->config;
    }

    public function end(int $status = 0): never
    {
        exit($status);
    }

    protected function make(string $name): object
    {
        switch ($name) {
            case 'db':
                return new CDbConnection($this->getConfig()['components']['db']);
            case 'options':
                return new OptionsManager();
            case 'cache':
                return new FileCache($this->getRuntimePath() . '/cache');
            case 'params':
                return new ArrayObject($this->getConfig()['params']);
        }
        throw new CException(sprintf('Property "%s.%s" is not defined.', static::class, $name));
    }
}
