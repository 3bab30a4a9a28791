/** Screenshots of the page in every size and color scheme. They are kept, to be looked at. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";

/** Where screenshots are kept. */
export const SCREENSHOTS = fileURLToPath(new URL("../../var/screenshots/", import.meta.url));

/** How the page is looked at. */
export const PAGE_VIEWS = [
  { name: "light", viewport: { width: 1600, height: 1200 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1600, height: 1200 }, colorScheme: "dark" },
  { name: "laptop", viewport: { width: 1280, height: 720 }, colorScheme: "light" },
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "wall", viewport: { width: 2560, height: 1440 }, colorScheme: "dark" },
] as const;

/** Takes a screenshot in each view, and checks that nothing is wider than the page. */
export async function lookAt(page: Page, state: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  for (const { name, viewport, colorScheme } of PAGE_VIEWS) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.ok(Number(overflow) <= 0, `${state}, ${name}: ${overflow} pixels too wide`);
    await page.screenshot({ path: `${SCREENSHOTS}${state}-${name}.png`, fullPage: true });
  }
}
