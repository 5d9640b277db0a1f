<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<form method="post" action="index.php?route=database">
<div class="form-group"><label>Hostname</label><input type="text" name="hostname" class="form-control" value="<?= $step->shown('hostname', 'localhost') ?>"/><?= $step->fieldError('hostname') ?></div>
<div class="form-group"><label>Port</label><input type="text" name="port" class="form-control" value="<?= $step->shown('port', '3306') ?>"/><?= $step->fieldError('port') ?></div>
<div class="form-group"><label>Database name</label><input type="text" name="dbname" class="form-control" value="<?= $step->shown('dbname') ?>"/><?= $step->fieldError('dbname') ?></div>
<div class="form-group"><label>Username</label><input type="text" name="username" class="form-control" value="<?= $step->shown('username') ?>"/><?= $step->fieldError('username') ?></div>
<div class="form-group"><label>Password</label><input type="password" name="password" class="form-control" value=""/><?= $step->fieldError('password') ?></div>
<div class="form-group"><label>Tables prefix</label><input type="text" name="prefix" class="form-control" value="<?= $step->shown('prefix', 'mw_') ?>"/><?= $step->fieldError('prefix') ?></div>
<button type="submit" name="next" value="1">Next</button>
</form>
