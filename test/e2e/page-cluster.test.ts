/** The cluster on the page, with a node that is gone and one whose clock is a day off. Its screenshots are kept. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { writeBeat } from "../../src/cluster/beat.ts";
import { Header, subjectOf, writeHeader } from "../../src/cluster/message.ts";
import { deriveSecrets } from "../../src/cluster/secrets.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { openBrowser, openPage } from "../support/browser.ts";
import { NATS_TOOLS, startNats } from "../support/nats.ts";
import { OPERATOR_CONFIG, OperatorLoad } from "../support/operator-load.ts";
import { lookAt, PAGE_VIEWS, SCREENSHOTS } from "../support/page-views.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const SECRET = "0123456789abcdef".repeat(4);
const NAME = "btrt";
const DAY_MS = 86_400_000;
const LOAD_STEPS = 60;

/** A node of which nothing is there but its heartbeats. */
async function startBeating(t: TestContext, url: string, node: string, offsetMs: number): Promise<void> {
  const connection = await connect({ servers: url });
  const { mark } = deriveSecrets({ name: NAME, secret: new TextEncoder().encode(SECRET) });
  const header = new Header();
  header.boot = Date.now();
  header.site = "east";
  const beat = { isReady: true, digestRound: 0, peers: 100, swarms: 20, version: "0.1.0" };
  const timer = setInterval(() => {
    header.time = Date.now() + offsetMs;
    const bytes = new Uint8Array(200);
    const end = writeBeat(beat, bytes, writeHeader(header, mark, bytes));
    connection.publish(subjectOf(NAME, node, "beat"), bytes.subarray(0, end));
  }, 500);
  t.after(async () => {
    clearInterval(timer);
    await connection.close();
  });
}

test("three nodes, one of them gone, and the clock of another a day off", {
  skip: toolsMissing([...NATS_TOOLS, "chromium"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [nats] = await startNats(bed);
  await writeFile(bed.path("secret"), `${SECRET}\n`, { mode: 0o600 });
  const start = (node: string) =>
    TrackerProcess.start(
      bed,
      `${OPERATOR_CONFIG}database: { url: "sqlite:${node}.db" }
cluster: { node: ${node}, site: west, servers: ["${nats.url}"], secret_file: "${bed.path("secret")}" }
`,
      { name: node },
    );
  const [a, b] = [await start("tracker1"), await start("tracker2")];
  // The third one answers no questions.
  for (const { admin } of [a, b])
    await until("both have caught up", async () => (await askStatus(admin)).cluster?.state === "current");
  await startBeating(t, nats.url, "tracker3", DAY_MS);
  await new OperatorLoad(a.url).run(LOAD_STEPS);
  await new OperatorLoad(b.url).run(LOAD_STEPS);
  const stateOf = async (name: string) =>
    (await askStatus(a.admin)).cluster?.nodes.find(({ node }) => node === name)?.state;
  await until("all are heard", async () => (await stateOf("tracker2")) === "live");
  await b.process.stop("SIGKILL");
  await until("one is silent", async () => (await stateOf("tracker2")) === "silent");
  const { page } = await openPage(await openBrowser(t), a.admin, { viewport: PAGE_VIEWS[0].viewport });
  await page.waitForSelector("text=tracker3");
  await lookAt(page, "cluster");
  t.diagnostic(`screenshots are in ${SCREENSHOTS}`);
  const section = (await page.textContent("#cluster")) ?? "";
  assert.match(section, /tracker2.*silent.*tracker3.*clock off/s);
  const warnings = (await page.textContent("body")) ?? "";
  assert.match(warnings, /The node tracker2 is silent\./);
  assert.match(warnings, /The clocks of the node tracker3 and of this one differ/);
  const config = bed.path("asking.conf");
  await writeFile(config, `admin: { listen: "${new URL(a.admin).host}" }\n`);
  const asked = runBtrt(bed, ["cluster", "--config", config]);
  assert.equal(await asked.ended, 0, asked.stderr);
  assert.match(asked.stdout, /^tracker2 +west +silent.*\ntracker3 +east +live/m);
  t.diagnostic(`\n${asked.stdout}`);
});
