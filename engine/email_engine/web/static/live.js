// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Brings a running job's page up to date. The server renders the parts; without this script the page reloads itself.
"use strict";

const lines = document.getElementById("lines");
const EVERY = 1500;

async function look() {
  const last = lines.lastElementChild;
  const answer = await fetch(`${lines.dataset.live}?after=${last ? last.dataset.id : 0}`);
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  const part = new DOMParser().parseFromString(await answer.text(), "text/html");
  const following = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 8;
  lines.append(...part.getElementById("lines").children);
  if (following) lines.scrollTop = lines.scrollHeight;
  const state = part.getElementById("state");
  document.getElementById("state").replaceWith(state);
  return state.dataset.over === "yes";
}

async function follow() {
  try {
    if (await look()) return;
  } catch {
    // Away for a moment, or logged out: what is shown stays, and the next look tells.
  }
  setTimeout(follow, EVERY);
}

lines.scrollTop = lines.scrollHeight;
setTimeout(follow, EVERY);
