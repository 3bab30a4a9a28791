/**
 * Moves a list of torrents from opentracker as docs/moving.md describes. Both trackers then serve the same torrents.
 */
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { Bed, until } from "../support/bed.ts";
import { blocksOf } from "../support/documentation/blocks.ts";
import { freePort } from "../support/free-port.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const HASHES = Array.from({ length: 9 }, (_, i) => (i + 0xa1).toString(16).repeat(20));
const [PLAIN, UPPER, COMMENTED, TITLED, INDENTED, LONG, WINDOWS, LAST, ABSENT] = HASHES;

/** Lines that opentracker accepts, and lines that it skips. */
const LIST = [
  "# ours",
  PLAIN,
  UPPER.toUpperCase(),
  `${COMMENTED} # a comment`,
  `${TITLED} - a film`,
  ` ${INDENTED}`,
  `${LONG}0`,
  "",
  "not a hash",
  `${WINDOWS}\r`,
  LAST,
  "",
].join("\n");

/** Whether a tracker serves a torrent. */
async function serves(port: number | string, infoHash: string): Promise<boolean> {
  const path = `/announce?info_hash=${infoHash.replaceAll(/../g, "%$&")}&peer_id=${"x".repeat(20)}&port=6881&left=0&uploaded=0&downloaded=0&compact=1`;
  const body = await new Promise<string>((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent: false }, (response) =>
      text(response).then(resolve, reject),
    )
      .on("error", reject)
      .end();
  });
  return !body.includes("failure reason");
}

test("the list that opentracker reads, made ours by the command of the page, lets the same torrents in", {
  skip: toolsMissing(["opentracker"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  await chmod(bed.directory, 0o755);
  await writeFile(bed.path("whitelist.txt"), LIST);
  const port = await freePort();
  const at = ["-i", "127.0.0.1", "-p", String(port), "-P", String(port), "-d", bed.directory, "-u", "nobody"];
  bed.run(["opentracker", ...at, "-w", "whitelist.txt"]);
  await until("opentracker answers", () => serves(port, PLAIN).catch(() => false));

  const [command] = blocksOf("docs/moving.md").filter((block) => block.text.startsWith("sed "));
  const moved = command.text
    .replace("/etc/opentracker/whitelist.txt", bed.path("whitelist.txt"))
    .replace("/etc/btrt/torrents.txt", bed.path("torrents.txt"));
  assert.equal(await bed.run(["bash", "-euc", moved]).ended, 0);
  const list = 'tracker: { access_list: { mode: allow, file: "torrents.txt" } }\n';
  const tracker = await TrackerProcess.start(
    bed,
    `listen: { http: ["127.0.0.1:0"], udp: [] }\nworkers: 1\n${list}`,
  );

  const served = await Promise.all(HASHES.map((hash) => serves(new URL(tracker.url).port, hash)));
  assert.deepEqual(served, await Promise.all(HASHES.map((hash) => serves(port, hash))));
  assert.deepEqual([served[0], served[HASHES.indexOf(ABSENT)]], [true, false]);
});
