/** The page in a real browser. */
import type { TestContext } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";

/** Starts Debian's Chromium, which ends with the test. */
export async function openBrowser(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  t.after(() => browser.close());
  return browser;
}

/** Longer than Playwright's 30 seconds: other tests may run on a slow machine. */
const PATIENCE_MS = 120_000;

/** Opens the page. All its errors, and its requests to other origins, are in `complaints`. */
export async function openPage(browser: Browser, url: string, options: Parameters<Browser["newPage"]>[0]) {
  const page = await browser.newPage(options);
  page.context().setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) complaints.push(request.url());
  });
  await page.goto(url);
  await page.waitForSelector("header h1");
  return { page, complaints };
}

/** The text of a figure, by its `data-figure`. */
export async function figure(page: Page, name: string): Promise<string> {
  return (await page.textContent(`[data-figure="${name}"]`)) ?? "";
}
