<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<table>
<?php foreach ($step->requirements() as $name => $problem) { ?>
<tr class="<?= $problem === '' ? 'success' : 'danger' ?>"><td><?= InstallStep::html($name) ?></td><td><?= $problem === '' ? 'passed' : InstallStep::html($problem) ?></td></tr>
<?php } ?>
</table>
<form method="post" action="index.php?route=requirements">
<input type="hidden" name="result" value="<?= $step->result() ?>"/>
<button type="submit" name="next" value="1">Next</button>
</form>
