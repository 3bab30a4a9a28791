/** What the page says when peers come from a neighbor: they are none of this tracker's peers, and the neighbor is named. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { test } from "node:test";
import { announce } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { figure, openBrowser, openPage } from "../support/browser.ts";
import { OPERATOR_CONFIG } from "../support/operator-load.ts";
import { PAGE_VIEWS } from "../support/page-views.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const PEERS = 9;
/** All peers are returned at once. */
const CONFIG = `${OPERATOR_CONFIG}selection: { policy: nearest }\n`;

test("learned peers are no peers of the headline, and a neighbor that dominates is named", {
  timeout: 300_000,
  skip: toolsMissing(["chromium"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const partner = await TrackerProcess.start(bed, `${CONFIG}database: { url: "sqlite:partner.db" }\n`, {
    name: "partner",
  });
  const infoHash = randomBytes(20);
  for (let i = 1; i <= PEERS; i++)
    await announce(partner.url, { infoHash, port: 7000 + i, ip: `12.0.0.${i}` });
  const request = `${partner.url}?info_hash={info_hash}&peer_id={peer_id}&port={port}&left=1&numwant={numwant}`;
  const { admin, url } = await TrackerProcess.start(
    bed,
    `${CONFIG}neighbors: [{ name: the partner, announce_request: "${request}" }]\n`,
  );
  const ours = { infoHash, port: 7100, ip: "11.0.0.1" };
  await until("the partner's peers are returned", async () => {
    const { peers } = await announce(url, ours);
    return peers.some((peer) => peer.startsWith("12."));
  });
  await until("it is in the status", async () =>
    (await askStatus(admin)).neighbors.some(({ dominates }) => dominates),
  );
  const { page, complaints } = await openPage(await openBrowser(t), admin, {
    viewport: PAGE_VIEWS[0].viewport,
  });
  await until("the page has the peers", async () => (await figure(page, "peers")) === "1");
  assert.match(
    (await page.textContent("header .figures")) ?? "",
    /peers; 9 more learned from other trackers/,
  );
  assert.match(
    (await page.textContent("#neighbors .problem")) ?? "",
    /% of all peers returned were learned from the partner: most of what clients get depends on this neighbor/,
  );
  assert.match(await page.title(), new RegExp(`${hostname()} – BTRT$`));
  assert.match((await page.textContent(".updated")) ?? "", /^Last update /);
  for (const link of await page.locator("nav a").all()) {
    const id = (await link.getAttribute("href")) ?? "";
    assert.equal(await page.locator(`section${id}`).count(), 1, id);
  }
  assert.deepEqual(complaints, []);
});
