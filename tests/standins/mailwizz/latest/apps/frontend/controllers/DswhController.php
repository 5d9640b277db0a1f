<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What delivery servers call back. Nobody is asked who he is: the web server has to know. */
class DswhController extends CController
{
    public function actionPmta(): void
    {
        PmtaWebhook::receive((string) file_get_contents('php://input'));
    }
}
