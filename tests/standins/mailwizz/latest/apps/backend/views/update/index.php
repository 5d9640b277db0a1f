<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
?>
<h1>Update to version <?= MW_VERSION ?></h1>
<?php if ($done) { ?><p>Done.</p><?php } else { ?>
<form method="post"><input type="hidden" name="csrf_token" value="<?= Yii::app()->getSession()->csrfToken() ?>"><button type="submit">Update</button></form>
<?php } ?>
