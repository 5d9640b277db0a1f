<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Hands requests to the API's own table of paths. */
class ApiController extends CController
{
    public function actionIndex(): void
    {
        ApiRouter::run();
    }
}
