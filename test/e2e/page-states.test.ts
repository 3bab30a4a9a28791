/** The page in every state of the tracker, in every size. Its screenshots are kept, to be looked at. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { SqliteDatabase } from "../../src/storage/sqlite/sqlite-database.ts";
import { Bed, until } from "../support/bed.ts";
import { openBrowser, openPage } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { OPERATOR_CONFIG, OperatorLoad } from "../support/operator-load.ts";
import { lookAt, PAGE_VIEWS, SCREENSHOTS } from "../support/page-views.ts";
import { writeYear } from "../support/past-totals.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const options = { timeout: 300_000, skip: toolsMissing(["chromium"]) };
const LOAD_STEPS = 120;
/** How many states the charts of the last minutes have. */
const STATES = "document.querySelector('main').dataset.states";

async function open(browser: Browser, admin: string): Promise<Page> {
  return (await openPage(browser, admin, { viewport: PAGE_VIEWS[0].viewport })).page;
}

/** A tracker with clients, and a neighbor that does not answer. */
async function startLoaded(t: TestContext, bed: Bed): Promise<TrackerProcess> {
  const neighbor = `http://127.0.0.1:${await freePort()}/announce?info_hash={info_hash}`;
  const config = `${OPERATOR_CONFIG}database: { save_interval: 1 }
neighbors: [{ name: partner's retracker, announce_request: "${neighbor}" }]
hashlist: { path: hashes }
report: { price_per_mbit: 0.4 }
`;
  const tracker = await TrackerProcess.start(bed, config);
  await new OperatorLoad(tracker.url).run(LOAD_STEPS);
  t.diagnostic(`screenshots are in ${SCREENSHOTS}`);
  return tracker;
}

test("with no traffic", options, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`,
  );
  await lookAt(await open(await openBrowser(t), tracker.admin), "idle");
});

test("with an hour's, then hung, then stopped", options, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await startLoaded(t, bed);
  const page = await open(await openBrowser(t), tracker.admin);
  await page.waitForSelector(".savings");
  await until("the charts show something", async () => Number(await page.evaluate(STATES)) >= 4);
  await lookAt(page, "hour");
  tracker.process.signal("SIGSTOP");
  await page.waitForSelector("main.old");
  assert.match((await page.textContent(".health")) ?? "", /has stopped sending figures/);
  await lookAt(page, "hung");
  tracker.process.signal("SIGCONT");
  await page.waitForSelector("main:not(.old)");
  await tracker.stop();
  await until("the page says so", async () =>
    /does not reply/.test((await page.textContent("main.old .health")) ?? ""),
  );
  await lookAt(page, "stopped");
});

test("with a year's", options, async (t) => {
  const bed = await Bed.open(t);
  await mkdir(bed.path("var"));
  const database = await SqliteDatabase.open(bed.path("var/btrt.db"));
  await database.migrate();
  await writeYear(database, Math.floor(Date.now() / 1000));
  await database.close();
  const tracker = await startLoaded(t, bed);
  const page = await open(await openBrowser(t), tracker.admin);
  await page.getByLabel("year").check();
  await page.waitForSelector(".savings");
  await until("the charts show something", async () => Number(await page.evaluate(STATES)) >= 4);
  await lookAt(page, "year");
  const [report] = await Promise.all([page.waitForEvent("popup"), page.click("text=Open the report")]);
  await report.waitForSelector("h1");
  assert.match((await report.textContent(".figures")) ?? "", /avoided.*less at the peak.*EUR/s);
  await lookAt(report, "report");
  const printed = (await report.pdf({ preferCSSPageSize: true })).toString("latin1");
  assert.equal(printed.match(/\/Type\s*\/Page\b/g)?.length, 1, "it prints to a page");
});
