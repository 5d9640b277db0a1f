<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<form method="post" action="index.php?route=admin">
<?= $step->input('first_name', 'First name') ?>
<?= $step->input('last_name', 'Last name') ?>
<?= $step->input('email', 'Email') ?>
<?= $step->input('password', 'Password', 'password') ?>
<?= $step->select('timezone', 'Timezone', array_combine(DateTimeZone::listIdentifiers(), DateTimeZone::listIdentifiers()), 'UTC') ?>
<?= $step->select('create_customer', 'Create a customer with the same login', ['no' => 'No', 'yes' => 'Yes'], 'no') ?>
<button type="submit" name="next" value="1">Next</button>
</form>
