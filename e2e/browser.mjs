// Debian's Chromium, headless; nothing is downloaded and nothing of the network is used but what the tests open.
import { chromium } from "playwright-core";

const START_MS = 180_000;

export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.CRIER_CHROMIUM || "/usr/bin/chromium",
    headless: true,
    timeout: START_MS,
    // A page that is left is frozen and may be shown again, as for a person.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    chromiumSandbox: process.getuid?.() !== 0,
    args: ["--disable-background-networking", "--disable-component-update", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"],
  });
