/** The page of a large tracker, with half a million torrents, in a real browser. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { SqliteDatabase } from "../../src/storage/sqlite/sqlite-database.ts";
import { STORED_HEADER_BYTES, STORED_PEER_BYTES, writeStoredHeader } from "../../src/store/stored-peers.ts";
import { askAdmin, askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { figure, openBrowser, openPage } from "../support/browser.ts";
import { OPERATOR_CONFIG, OperatorLoad } from "../support/operator-load.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const SWARMS = 500_000;
/** Peers of the largest torrent. Each other torrent has this number divided by its rank, and at least one. */
const LARGEST = 20_000;
const ROWS_AT_ONCE = 5000;
/** First bytes of addresses: subscribers, partners, outside (OPERATOR_CONFIG). */
const NETS = [11, 12, 13] as const;
const LOAD_STEPS = 60;

/** Writes swarms into a database, as a stopped tracker leaves them. @returns the number of peers in each tier. */
async function writeSwarms(path: string): Promise<number[]> {
  const database = await SqliteDatabase.open(path);
  await database.migrate();
  const now = Math.floor(Date.now() / 1000);
  const tiers = [0, 0, 0];
  for (let first = 0; first < SWARMS; first += ROWS_AT_ONCE) {
    const rows = Array.from({ length: ROWS_AT_ONCE }, (_, i) => {
      const size = Math.max(1, Math.floor(LARGEST / (first + i + 1)));
      const infoHash = new Uint8Array(20);
      new DataView(infoHash.buffer).setUint32(4, first + i);
      const facts = { firstSeen: now, lastSeen: now, downloaded: 0 };
      return { infoHash, ...facts, peers: makePeers(first + i, size, now, tiers) };
    });
    await database.writeSwarms(rows);
  }
  await database.close();
  return tiers;
}

/** Every fifth peer is complete. */
function makePeers(swarm: number, size: number, now: number, tiers: number[]): Uint8Array {
  const bytes = new Uint8Array(STORED_HEADER_BYTES + size * STORED_PEER_BYTES[4]);
  const view = new DataView(bytes.buffer);
  writeStoredHeader(bytes, now, size);
  for (let i = 0; i < size; i++) {
    const tier = (swarm + i) % NETS.length;
    tiers[tier]++;
    const at = STORED_HEADER_BYTES + i * STORED_PEER_BYTES[4];
    // An address is in a few torrents only. With one address in all torrents, most peers would be refused.
    view.setUint32(at, NETS[tier] * 2 ** 24 + ((swarm * 31 + i) % 0xfffffe) + 1);
    view.setUint16(at + 4, 6881);
    view.setUint16(at + 8, i % 5 === 0 ? 0 : 1000);
  }
  return bytes;
}

test("with 500,000 torrents the page is as quick, and right", {
  timeout: 300_000,
  skip: toolsMissing(["chromium"]),
}, async (t) => {
  const bed = await Bed.open(t);
  await mkdir(bed.path("var"));
  const tiers = await writeSwarms(bed.path("var/btrt.db"));
  const peers = tiers.reduce((sum, each) => sum + each, 0);
  const { admin, url } = await TrackerProcess.start(bed, OPERATOR_CONFIG);
  const isCounted = async () => (await askStatus(admin)).tiers.every(({ ipv4 }, i) => ipv4 === tiers[i]);
  await until("the census has all", isCounted, 120_000);
  const began = performance.now();
  const { page, complaints } = await openPage(await openBrowser(t), admin, {
    viewport: { width: 1600, height: 1200 },
  });
  await page.waitForSelector('section[aria-label="The largest torrents"] code');
  const tookMs = performance.now() - began;
  assert.equal(await figure(page, "peers"), peers.toLocaleString("en"));
  assert.equal(await figure(page, "swarms"), SWARMS.toLocaleString("en"));
  for (const [tier, count] of tiers.entries())
    assert.equal(await figure(page, `tier-peers-${tier + 1}`), count.toLocaleString("en"));
  const largest = page.locator('section[aria-label="The largest torrents"] tbody tr').first();
  const [, complete, incomplete] = await largest.locator("th, td").allTextContents();
  assert.deepEqual([complete, incomplete], ["4,000", "16,000"]);

  const load = new OperatorLoad(url);
  await load.run(LOAD_STEPS);
  await until("the page follows", async () => {
    return (await figure(page, "http-announce")) === (load.announces + load.refused).toLocaleString("en");
  });
  assert.equal(await figure(page, "swarms"), (SWARMS + load.swarms).toLocaleString("en"));
  assert.deepEqual(complaints, []);
  const { body } = await askAdmin(`${admin}api/v1/status`);
  assert.ok(body.length < 10_000, "what comes every second does not grow with the swarms");
  t.diagnostic(`the page was there ${tookMs.toFixed(0)} ms after its browser was started`);
});
