<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** feedback-loop-handler: reads the mailboxes of feedback loop servers; here nobody reads them. */
class FeedbackLoopHandlerCommand extends CConsoleCommand
{
    public function run(array $args): int
    {
        Journal::line('feedback-loop-handler: no mailboxes');
        return 0;
    }
}
