<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A command: COMMAND [ACTION] [--option=value ...]. Options are the action's parameters or the command's public properties.

declare(strict_types=1);

abstract class CConsoleCommand
{
    public string $defaultAction = 'index';

    private string $name;

    public function __construct(string $name)
    {
        $this->name = $name;
    }

    /** @param list<string> $args */
    public function run(array $args): int
    {
        $action = $this->defaultAction;
        $options = $rest = [];
        foreach ($args as $index => $arg) {
            if (preg_match('/^--(\w+)(?:=(.*))?$/s', $arg, $m)) {
                $value = $m[2] ?? true;
                $options[$m[1]] = isset($options[$m[1]]) ? array_merge((array) $options[$m[1]], [$value]) : $value;
            } elseif ($index === 0) {
                $action = $arg;
            } else {
                $rest[] = $arg;
            }
        }
        $method = 'action' . $action;
        if (!preg_match('/^\w+$/', $action) || !method_exists($this, $method)) {
            return $this->usageError('Unknown action: ' . $action);
        }
        $arguments = [];
        foreach ((new ReflectionMethod($this, $method))->getParameters() as $parameter) {
            $key = $parameter->getName();
            if ($key === 'args') {
                $arguments[] = $rest;
            } elseif (isset($options[$key])) {
                $arguments[] = $options[$key];
            } elseif ($parameter->isOptional()) {
                $arguments[] = $parameter->getDefaultValue();
            } else {
                return $this->usageError(sprintf('Missing required option --%s.', $key));
            }
            unset($options[$key]);
        }
        foreach ($options as $key => $value) {
            if (!property_exists($this, $key)) {
                return $this->usageError('Unknown options: ' . $key);
            }
            $this->$key = $value;
        }

        return (int) $this->$method(...$arguments);
    }

    protected function usageError(string $message): int
    {
        fwrite(STDERR, sprintf("Error: %s\nUsage: console.php %s [ACTION] [--option=value ...]\n", $message, $this->name));

        return 1;
    }
}
