<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
?>
<h1>Dashboard</h1>
<p>Welcome, <span class="full-name"><?= htmlspecialchars($customer->getFullName()) ?></span> (<?= htmlspecialchars($customer->email) ?>)</p>
<a href="<?= htmlspecialchars(Yii::app()->createUrl('guest/logout')) ?>">Logout</a>
