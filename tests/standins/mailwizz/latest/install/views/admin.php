<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<form method="post" action="index.php?route=admin">
<div class="form-group"><label>First name</label><input type="text" name="first_name" class="form-control" value="<?= $step->shown('first_name') ?>"/><?= $step->fieldError('first_name') ?></div>
<div class="form-group"><label>Last name</label><input type="text" name="last_name" class="form-control" value="<?= $step->shown('last_name') ?>"/><?= $step->fieldError('last_name') ?></div>
<div class="form-group"><label>Email</label><input type="text" name="email" class="form-control" value="<?= $step->shown('email') ?>"/><?= $step->fieldError('email') ?></div>
<div class="form-group"><label>Password</label><input type="password" name="password" class="form-control" value=""/><?= $step->fieldError('password') ?></div>
<div class="form-group"><label>Timezone</label><select name="timezone" class="form-control"><?= $step->options('timezone', array_combine(DateTimeZone::listIdentifiers(), DateTimeZone::listIdentifiers()), 'UTC') ?></select><?= $step->fieldError('timezone') ?></div>
<div class="form-group"><label>Create a customer with the same login</label><select name="create_customer" class="form-control"><?= $step->options('create_customer', ['no' => 'No', 'yes' => 'Yes'], 'no') ?></select><?= $step->fieldError('create_customer') ?></div>
<button type="submit" name="next" value="1">Next</button>
</form>
