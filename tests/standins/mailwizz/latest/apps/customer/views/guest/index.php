<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
?>
<?php if ($error !== '') { ?><div class="alert alert-danger"><?= htmlspecialchars($error) ?></div><?php } ?>

<form method="post" action="<?= htmlspecialchars(Yii::app()->createUrl('guest/index')) ?>">
<input type="hidden" name="csrf_token" value="<?= Yii::app()->getSession()->csrfToken() ?>">
<input type="email" name="CustomerLogin[email]">
<input type="password" name="CustomerLogin[password]">
<button type="submit">Login</button>
</form>
