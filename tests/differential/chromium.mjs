// Finds Chromium, and starts it without a display, a sandbox, or calls to its vendor.

import { existsSync } from 'node:fs';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Undefined if none is installed. */
export const executablePath = PATHS.find(existsSync);

export const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
