/** The page in a real browser: its figures are those of the load, everybody can use it, and it looks right. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { toolsMissing } from "../tools.ts";
import { announce, scrape } from "./announce.ts";
import { askStatus } from "./ask-admin.ts";
import { Bed, until } from "./bed.ts";
import { TrackerProcess } from "./tracker-process.ts";

const skip = toolsMissing(["chromium"]);

const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
peer_groups:
  - { name: subscribers, priority: 0, cidr_list: ["127.0.1.0/24"], reachable_from: [partners] }
  - { name: partners, priority: 1, cidr_list: ["127.0.2.0/24"], reachable_from: [subscribers] }
`;

/** Where screenshots are kept, to be looked at. */
const SCREENSHOTS = fileURLToPath(new URL("../../var/screenshots/", import.meta.url));

const KIB = 1024;
const WIDE = { width: 1600, height: 1200 };
const PHONE = { width: 390, height: 844 };

async function openBrowser(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  t.after(() => browser.close());
  return browser;
}

/** Opens the page; everything that goes wrong in it, or that it asks of elsewhere, is in `complaints`. */
async function openPage(browser: Browser, url: string, options: Parameters<Browser["newPage"]>[0]) {
  const page = await browser.newPage(options);
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

async function figure(page: Page, name: string): Promise<string> {
  return (await page.textContent(`[data-figure="${name}"]`)) ?? "";
}

/** What axe finds that is serious. */
async function findBarriers(page: Page): Promise<string[]> {
  // As a debugger does: the page's own policy lets no script in.
  const found = await page.evaluate(`${axe.source}; axe.run()`);
  const { violations } = found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}

test("while there is no traffic the page says what to do next", { timeout: 60_000, skip }, async (t) => {
  const bed = await Bed.open(t);
  const tracker = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`,
  );
  const { page, complaints } = await openPage(await openBrowser(t), tracker.admin, { viewport: WIDE });
  assert.match((await page.textContent(".welcome")) ?? "", new RegExp(`curl '${tracker.url}\\?info_hash=`));
  assert.match((await page.textContent(".warnings")) ?? "", /There are no peer groups/);
  assert.deepEqual(await findBarriers(page), []);
  await announce(tracker.url, { infoHash: randomBytes(20), port: 1 });
  await page.waitForSelector(".welcome", { state: "detached" });
  assert.deepEqual(complaints, []);
});

test("its figures are those of the load, in light, dark and on a phone", {
  timeout: 120_000,
  skip,
}, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url } = await TrackerProcess.start(bed, CONFIG);
  const load = await sendLoad(url);
  await until("the census has all", async () => (await askStatus(admin)).tiers[2].ipv4 === load.peers[2]);
  const { tiers, locality } = await askStatus(admin);
  const { given } = tiers[0];
  assert.equal(locality.reported.downloaded, load.downloaded);
  assert.ok(locality.avoidedShare !== null && locality.avoidedShare > 0, "large torrents leave a choice");
  const browser = await openBrowser(t);
  await mkdir(SCREENSHOTS, { recursive: true });
  for (const [name, viewport, colorScheme] of [
    ["light", WIDE, "light"],
    ["dark", WIDE, "dark"],
    ["phone", PHONE, "light"],
  ] as const) {
    const { page, complaints } = await openPage(browser, admin, { viewport, colorScheme });
    await page.waitForSelector('section[aria-label="The largest torrents"] code');
    // States enough for charts to show something.
    await page.waitForSelector('main[data-states="4"]');
    assert.equal(await page.locator(".u-over").count(), 2);
    assert.equal(await figure(page, "avoided"), `${(100 * locality.avoidedShare).toFixed(1)} %`);
    const total = load.peers[0] + load.peers[1] + load.peers[2];
    assert.equal(await figure(page, "peers"), total.toLocaleString("en"));
    assert.equal(await figure(page, "swarms"), String(load.swarms));
    for (const [i, peers] of load.peers.entries())
      assert.equal(await figure(page, `tier-peers-${i + 1}`), String(peers));
    assert.equal(await figure(page, "http-announce"), load.announces.toLocaleString("en"));
    assert.equal(await figure(page, "http-scrape"), String(load.scrapes));
    assert.equal(await figure(page, "given-1"), given.toLocaleString("en"));
    assert.equal(await page.textContent('section[aria-label="The largest torrents"] code'), load.largest);
    assert.deepEqual(await findBarriers(page), [], name);
    const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.ok(Number(overflow) <= 0, `${name}: ${overflow} pixels too wide`);
    await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
    assert.deepEqual(complaints, [], name);
    await page.close();
  }
});

test("the form explains, by the keyboard alone", { timeout: 60_000, skip }, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url } = await TrackerProcess.start(bed, CONFIG);
  const infoHash = randomBytes(20);
  await announce(url, { infoHash, port: 77, from: "127.0.1.7" });
  const { page, complaints } = await openPage(await openBrowser(t), admin, { viewport: WIDE });
  await page.focus('input[name="info_hash"]');
  await page.keyboard.type(infoHash.toString("hex"));
  await page.keyboard.press("Tab");
  await page.keyboard.type("127.0.2.1");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector('section[aria-label="The answer"] tbody tr');
  assert.match(
    (await page.textContent('section[aria-label="The answer"]')) ?? "",
    /127\.0\.1\.7 port 77.*subscribers/,
  );
  assert.deepEqual(complaints, []);
});

/** Announces and scrapes of an operator's kind: few large torrents, many small ones, three tiers. */
async function sendLoad(url: string) {
  const load = { announces: 0, downloaded: 0, scrapes: 0, swarms: 0, peers: [0, 0, 0], largest: "" };
  for (let swarm = 0; swarm < 12; swarm++) {
    const infoHash = randomBytes(20);
    if (swarm === 0) load.largest = infoHash.toString("hex");
    load.swarms++;
    for (let i = 0; i < Math.ceil(120 / (swarm + 1)); i++) {
      const tier = i % 5 < 3 ? 0 : i % 5 === 3 ? 1 : 2;
      const peer = {
        infoHash,
        port: 1 + i,
        from: `127.0.${tier + 1}.${1 + i}`,
        left: i % 4 === 0 ? 0 : 1000,
      };
      await announce(url, { ...peer, event: "started", numWant: 20 });
      await announce(url, { ...peer, downloaded: KIB * i, numWant: 20 });
      load.announces += 2;
      load.peers[tier]++;
      if (tier < 2) load.downloaded += KIB * i;
    }
    if (swarm % 3 === 0) {
      await scrape(url, infoHash);
      load.scrapes++;
    }
  }
  return load;
}
