<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<form method="post" action="index.php?route=database">
<?= $step->input('hostname', 'Hostname', 'text', 'localhost') ?>
<?= $step->input('port', 'Port', 'text', '3306') ?>
<?= $step->input('dbname', 'Database name') ?>
<?= $step->input('username', 'Username') ?>
<?= $step->input('password', 'Password', 'password') ?>
<?= $step->input('prefix', 'Tables prefix', 'text', 'mw_') ?>
<button type="submit" name="next" value="1">Next</button>
</form>
