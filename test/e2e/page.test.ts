/** The page in a real browser: its figures are those of the load, everybody can use it, and it looks right. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import type { Page } from "playwright-core";
import type { Status } from "../../src/admin/status.ts";
import { announce } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { figure, openBrowser, openPage } from "../support/browser.ts";
import { OPERATOR_CONFIG, OperatorLoad } from "../support/operator-load.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const skip = toolsMissing(["chromium"]);

/** Where screenshots are kept, to be looked at. */
const SCREENSHOTS = fileURLToPath(new URL("../../var/screenshots/", import.meta.url));

const SAVE_OFTEN = "database: { save_interval: 1 }\n";
/** Of the load: eight announces each. */
const LOAD_STEPS = 300;
/** How many states the charts of the last minutes have. */
const STATES = "document.querySelector('main').dataset.states";
const WIDE = { width: 1600, height: 1200 };
const WALL = { width: 3840, height: 2160 };
const PHONE = { width: 390, height: 844 };

/** What axe finds that is serious. */
async function findBarriers(page: Page): Promise<string[]> {
  // As a debugger does: the page's own policy lets no script in.
  const found = await page.evaluate(`${axe.source}; axe.run()`);
  const { violations } = found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

test("while there is no traffic the page says what to do next", { timeout: 300_000, skip }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`,
  );
  const { page, complaints } = await openPage(await openBrowser(t), tracker.admin, { viewport: WIDE });
  assert.match((await page.textContent(".welcome")) ?? "", new RegExp(`curl '${tracker.url}\\?info_hash=`));
  assert.match((await page.textContent(".warnings")) ?? "", /There are no peer groups/);
  assert.deepEqual(await findBarriers(page), []);
  await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 });
  await page.waitForSelector(".welcome", { state: "detached" });
  assert.deepEqual(complaints, []);
});

test("its figures are those of the load, in light, dark, on a phone and on a wall", {
  timeout: 300_000,
  skip,
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url } = await TrackerProcess.start(bed, OPERATOR_CONFIG + SAVE_OFTEN);
  const load = new OperatorLoad(url);
  const browser = await openBrowser(t);
  const watching = await openPage(browser, admin, { viewport: WIDE });
  await load.run(LOAD_STEPS);
  await until("the page has followed", async () => {
    const announces = load.announces + load.refused;
    return (await figure(watching.page, "http-announce")) === announces.toLocaleString("en");
  });
  assert.deepEqual(watching.complaints, [], "while clients come and go");
  await watching.page.close();
  await until("the census has all", async () => {
    const { tiers } = await askStatus(admin);
    return tiers.every(({ ipv4 }, tier) => ipv4 === load.peers[tier]);
  });
  await mkdir(SCREENSHOTS, { recursive: true });
  for (const [name, viewport, colorScheme] of [
    ["light", WIDE, "light"],
    ["dark", WIDE, "dark"],
    ["phone", PHONE, "light"],
    ["wall", WALL, "dark"],
  ] as const) {
    const { page, complaints } = await openPage(browser, admin, { viewport, colorScheme });
    await page.waitForSelector('section[aria-label="The largest torrents"] code');
    await page.waitForSelector(".savings");
    // States enough for charts to show something.
    await until("there are some", async () => Number(await page.evaluate(STATES)) >= 4);
    assert.equal(await page.locator(".u-over").count(), 4);
    await assertFigures(page, load, await askStatus(admin));
    assert.deepEqual(await findBarriers(page), [], name);
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.ok(Number(overflow) <= 0, `${name}: ${overflow} pixels too wide`);
    await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
    assert.deepEqual(complaints, [], name);
    await page.close();
  }
});

/** What the page shows is what the load has done, and what of it only the tracker can know is what it says. */
async function assertFigures(page: Page, load: OperatorLoad, { locality }: Status): Promise<void> {
  const [subscribers, partners, outside] = load.peers;
  const expected = {
    peers: subscribers + partners + outside,
    swarms: load.swarms,
    "tier-peers-1": subscribers,
    "tier-peers-2": partners,
    "tier-peers-3": outside,
    "returned-1": load.returned[0],
    "returned-2": load.returned[1],
    "returned-3": load.returned[2],
    "http-announce": load.announces + load.refused,
    "http-scrape": load.scrapes,
    "refused-port_invalid": load.refused,
  };
  for (const [name, value] of Object.entries(expected))
    assert.equal(await figure(page, name), value.toLocaleString("en"), name);
  const { infoHash, peers } = load.largest;
  const [largest] = await page.locator('section[aria-label="The largest torrents"] tbody tr').all();
  const [hash, complete, incomplete] = await largest.locator("th, td").allTextContents();
  assert.equal(Number(complete) + Number(incomplete), peers);
  assert.equal(hash, infoHash);
  const { reported, avoidedShare } = locality;
  assert.equal(reported.downloaded + reported.uploaded, load.reported);
  assert.ok(avoidedShare !== null && avoidedShare > 0.1, `${avoidedShare}`);
  const avoided = await figure(page, "avoided");
  assert.ok(Math.abs(Number.parseFloat(avoided) - 100 * avoidedShare) < 1, `${avoided} of the last hour`);
  assert.ok((await figure(page, "avoided-sentence")).includes(avoided), "the sentence says the same");
}

test("the form explains, by the keyboard alone", { timeout: 300_000, skip }, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url } = await TrackerProcess.start(bed, OPERATOR_CONFIG);
  const infoHash = randomBytes(20);
  await announce(url, { infoHash, port: 77, ip: "11.0.1.7" });
  const { page, complaints } = await openPage(await openBrowser(t), admin, { viewport: WIDE });
  await page.focus('input[name="info_hash"]');
  await page.keyboard.type(infoHash.toString("hex"));
  await page.keyboard.press("Tab");
  await page.keyboard.type("12.0.2.1");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector('section[aria-label="The reply"] tbody tr');
  assert.match(
    (await page.textContent('section[aria-label="The reply"]')) ?? "",
    /11\.0\.1\.7 port 77.*subscribers/,
  );
  await page.fill('input[name="info_hash"]', "");
  await page.focus('section[aria-label="The largest torrents"] a');
  await page.keyboard.press("Enter");
  await page.waitForSelector('input[name="address"]:focus');
  assert.equal(await page.inputValue('input[name="info_hash"]'), infoHash.toString("hex"));
  assert.deepEqual(complaints, []);
});

test("refused at first, by a proxy whose tracker restarts, it tries again", {
  timeout: 300_000,
  skip,
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin } = await TrackerProcess.start(bed, OPERATOR_CONFIG);
  const page = await (await openBrowser(t)).newPage();
  page.setDefaultTimeout(120_000);
  await page.route("**/api/v1/events", (route) => route.fulfill({ status: 502 }), { times: 1 });
  await page.goto(admin);
  await page.waitForSelector("header h1");
});
