<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<p>The application is installed. Please delete the folder "install" now.</p>
<p><a href="../backend/index.php">Backend</a> <a href="../customer/index.php">Customer area</a> <a href="../">Site</a></p>
