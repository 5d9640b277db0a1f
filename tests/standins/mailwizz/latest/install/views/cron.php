<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<p>Please add these lines to the crontab of the web server's user:</p>
<pre>
<?php foreach ($step->lines() as $line) { ?>
<?= InstallStep::html($line) . "\n" ?>
<?php } ?>
</pre>
<form method="post" action="index.php?route=cron">
<button type="submit" name="next" value="1">Next</button>
</form>
