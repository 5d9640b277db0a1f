<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The first person of the backend, and a customer with the same login where wanted.

declare(strict_types=1);

class AdminStep extends InstallStep
{
    public function submit(): bool
    {
        foreach (['first_name' => 'first name', 'last_name' => 'last name'] as $field => $label) {
            if (!preg_match('/^[\p{L}\p{M} -]{2,100}$/u', $this->value($field))) {
                $this->error($field, sprintf('The %s may hold letters, spaces and dashes, between 2 and 100!', $label));
            }
        }
        if (!EmailAddress::valid($this->value('email')) || strlen($this->value('email')) > 100) {
            $this->error('email', 'Please provide a valid email address!');
        }
        if (mb_strlen($this->value('password')) < 6) {
            $this->error('password', 'The password must have at least 6 characters!');
        }
        if (!in_array($this->value('timezone'), DateTimeZone::listIdentifiers(), true)) {
            $this->error('timezone', 'Please select the timezone!');
        }
        if ($this->errors !== []) {
            return false;
        }
        try {
            $this->create();
        } catch (PDOException $e) {
            $this->error('', $e->getMessage());

            return false;
        }

        return true;
    }

    private function create(): void
    {
        $db = (require Installer::CONFIG)['components']['db'];
        $pdo = new PDO($db['connectionString'], $db['username'], $db['password'], [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
        $pdo->exec('SET SQL_MODE=""');
        $tables = ['user'];
        if ($this->value('create_customer') === 'yes') {
            $tables[] = 'customer';
        }
        $password = PasswordHash::make($this->value('password'));
        $pdo->beginTransaction();
        foreach ($tables as $table) {
            $pdo->prepare(
                "INSERT INTO `{$db['tablePrefix']}{$table}` (`{$table}_uid`, `first_name`, `last_name`, `email`, `password`, `timezone`, `removable`, `status`,"
                . " `date_added`, `last_updated`) VALUES (?, ?, ?, ?, ?, ?, 'no', 'active', UTC_TIMESTAMP(), UTC_TIMESTAMP())"
            )->execute([
                substr('a' . bin2hex(random_bytes(8)), 0, 13),
                $this->value('first_name'), $this->value('last_name'), $this->value('email'), $password, $this->value('timezone'),
            ]);
        }
        $option = $pdo->prepare("UPDATE `{$db['tablePrefix']}option` SET `value` = ? WHERE `category` = 'system.license' AND `key` = ?");
        foreach (['email', 'first_name', 'last_name'] as $field) {
            $option->execute([$this->value($field), $field]);
        }
        $pdo->commit();
    }
}
