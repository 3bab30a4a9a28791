/** The page's sections of the gate and of prefix sources, in each of their states and in every size. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Page } from "playwright-core";
import type { Status } from "../../src/admin/status.ts";
import { GATE_COUNTERS, type GateCounts, type GateReport } from "../../src/gate/report.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { figure, openBrowser, openPage } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import { OPERATOR_CONFIG, OperatorLoad } from "../support/operator-load.ts";
import { lookAt, PAGE_VIEWS } from "../support/page-views.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const options = { timeout: 600_000, skip: toolsMissing(["chromium"]) };
const LOAD_STEPS = 60;
const GATE_CONFIG = `${OPERATOR_CONFIG}database: { save_interval: 1 }
selection: { policy: bridged }
gate: { enabled: true }
`;

/** A router, as its follower reports it. */
class Router {
  readonly #admin: string;
  readonly #name: string;
  readonly #follower: string;
  readonly #countOnly: boolean;

  constructor(admin: string, name: string, number: number, countOnly = false) {
    this.#admin = admin;
    this.#name = name;
    this.#follower = String(number).padStart(16, "0");
    this.#countOnly = countOnly;
  }

  /** Reports. @param counts of some counters; the others are 0. */
  async report(counts: Partial<GateCounts> = {}): Promise<void> {
    const { gate } = await askStatus(this.#admin);
    const none = Object.fromEntries(GATE_COUNTERS.map((name) => [name, 0])) as GateCounts;
    const report: GateReport = {
      follower: this.#follower,
      router: this.#name,
      version: gate?.version ?? 0,
      countOnly: this.#countOnly,
      counters: { ...none, ...counts },
    };
    const headers = { "Content-Type": "application/json" };
    const sent = { method: "POST", headers, body: JSON.stringify(report) };
    assert.equal((await fetch(`${this.#admin}api/v1/gate/report`, sent)).status, 200);
  }
}

/** Waits until the page shows this state of the gate. */
async function shows(page: Page, state: RegExp): Promise<void> {
  await until(`the page says ${state}`, async () => state.test(await figure(page, "gate-state")), 120_000);
}

async function section(page: Page, id: string): Promise<string> {
  return (await page.locator(`#${id}`).innerText()).replaceAll(/\s+/g, " ");
}

test(
  "the gate: off, without a router, counting, refusing, and with a router that is lost",
  options,
  async (t) => {
    const bed = await Bed.open(t);
    const browser = await openBrowser(t);
    const viewport = PAGE_VIEWS[0].viewport;
    const off = await TrackerProcess.start(bed, OPERATOR_CONFIG, { name: "off" });
    const { page: pageOff } = await openPage(browser, off.admin, { viewport });
    assert.match(await section(pageOff, "gate"), /It is off \(gate\.enabled\)/);
    await pageOff.close();
    await off.stop();

    const { admin, url } = await TrackerProcess.start(bed, GATE_CONFIG);
    await new OperatorLoad(url).run(LOAD_STEPS);
    let gate: Status["gate"] = null;
    await until("torrents are gated", async () => {
      gate = (await askStatus(admin)).gate;
      return gate !== null && gate.torrents > 0 && gate.closed > 0;
    });
    const { page, complaints } = await openPage(browser, admin, { viewport });
    await shows(page, /^No router follows the gate: nothing is refused\.$/);
    await lookAt(page, "gate-unfollowed");
    await until("the page has the figures of the status", async () => {
      gate = (await askStatus(admin)).gate;
      const shown = await Promise.all(["gate-torrents", "gate-closed"].map((name) => figure(page, name)));
      return (
        shown.join() === [gate?.torrents, gate?.closed].map((count) => count?.toLocaleString("en")).join()
      );
    });

    const lost = new Router(admin, "edge-2.example.net", 2);
    await lost.report();
    const counting = new Router(admin, "edge-1.example.net", 1, true);
    await counting.report();
    await counting.report({ seenHandshakeOut: 1000, refusedHandshakeOut: 700 });
    await shows(page, /^1 router refuses connections, 1 router only counts them\.$/);
    await until("the count is in the history", async () =>
      /0 connections refused in the last hour:.*only counted/.test(await section(page, "gate")),
    );
    await lookAt(page, "gate-counting");

    // The same router, restarted without --count-only.
    const refusing = new Router(admin, "edge-1.example.net", 3);
    await refusing.report();
    await refusing.report({
      seenHandshakeOut: 50,
      refusedHandshakeOut: 20,
      seenFarOut: 9000,
      refusedFarOut: 9000,
    });
    await shows(page, /^2 routers refuse connections\.$/);
    // The page may have had the first of both reports only.
    await until("the figures are those of the second report", async () =>
      /BitTorrent handshakes, outgoing 1,050 20 1\.9 %/.test(await section(page, "gate")),
    );
    assert.equal(await figure(page, "gate-refused-far-out"), "9,000");
    await until("it is in the history", async () => (await figure(page, "gate-refused-history")) === "9,020");

    await until(
      "a router is lost",
      async () => {
        await refusing.report({
          seenHandshakeOut: 50,
          refusedHandshakeOut: 20,
          seenFarOut: 9000,
          refusedFarOut: 9000,
        });
        return /1 router refuses connections, 1 router no longer reports\./.test(
          await figure(page, "gate-state"),
        );
      },
      180_000,
    );
    assert.match(
      (await page.textContent(".warnings")) ?? "",
      /edge-2\.example\.net has not reported to the gate/,
    );
    assert.match(await section(page, "gate"), /edge-2\.example\.net no longer reports 1 min \d+ s ago/);
    await lookAt(page, "gate-lost");
    assert.deepEqual(complaints, []);
  },
);

test("prefix sources: none, well, failing, and to be confirmed", options, async (t) => {
  const bed = await Bed.open(t);
  await mkdir(bed.path("var/sources"), { recursive: true });
  for (const [name, net] of [
    ["held", 10],
    ["failing", 11],
  ])
    await writeFile(
      bed.path(`var/sources/${name}.conf`),
      [1, 2, 3, 4].map((each) => `${net}.${each}.0.0/16\n`).join(""),
    );
  await writeFile(bed.path("well"), "12.8.0.0/16\n12.9.0.0/16\n");
  await writeFile(bed.path("held"), "10.1.0.0/16\n");
  const source = (name: string, from: string) =>
    `  - { name: ${name}, priority: 0, source: { from: ${from}, timeout: 5 }, reachable_from: [well, held, failing] }\n`;
  const cat = (name: string) => JSON.stringify(["/bin/cat", bed.path(name)]);
  const { admin } = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:0"], udp: [] }
peer_groups:
${source("well", cat("well"))}${source("held", cat("held"))}${source("failing", `"http://127.0.0.1:${await freePort()}/"`)}`,
  );
  await until("all are read", async () =>
    (await askStatus(admin)).prefixSources.every(
      ({ readAt, failure }) => readAt !== null || failure !== null,
    ),
  );
  const browser = await openBrowser(t);
  const { page, complaints } = await openPage(browser, admin, { viewport: PAGE_VIEWS[0].viewport });
  const rows = page.locator('section[aria-label="Prefix sources"] tbody tr');
  const cells = await Promise.all((await rows.all()).map((row) => row.locator("th, td").allInnerTexts()));
  const shown = new Map(
    cells.map(([group, state, count, , , failures]) => [group, [state, count, failures]]),
  );
  assert.deepEqual(shown.get("well (list)"), ["well", "2", "0"]);
  assert.deepEqual(shown.get("held (list)"), ["to be confirmed", "1", "0"]);
  assert.deepEqual(shown.get("failing (list)"), ["fails", "–", "1"]);
  assert.equal(cells.at(-1)?.[0], "well (list)", "those that need the operator come first");
  assert.match(
    await section(page, "prefix-sources"),
    /failing cannot be read \(.*\): the copy stays in use\. .*|held has at most half/,
  );
  await lookAt(page, "prefix-sources");
  assert.deepEqual(complaints, []);
});
