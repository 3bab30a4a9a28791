/**
 * A subscriber announces to its own tracker, which returns nonexistent peers, for a torrent that others fetch with
 * another tracker. A router redirects all their announces here.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { statusSchema } from "../../src/admin/status.ts";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { Bed, until } from "../support/bed.ts";
import { fetchIn, Internet, namespacesMissing } from "../support/networks.ts";
import { nft } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const FIXED_TRACKER = fileURLToPath(new URL("./fixed-tracker.ts", import.meta.url));
const DAY = 86_400;
/** Learned peers of a torrent. */
const PLACES = 200;

/** Outside, with addresses that BTRT may ask. */
const OUTSIDE = { prefix: "45.10.20.0/24", honest: "45.10.20.1", lying: "45.10.20.2" };
const HONEST_PEERS = 150;
const FAKES = 200;
const BLOCK = { honest: 1, fake: 66 };

const REDIRECT = `table ip redirection {
  chain prerouting {
    type nat hook prerouting priority dstnat
    ip saddr 203.0.113.0/24 ip daddr ${OUTSIDE.prefix} tcp dport 80 dnat to 192.0.2.1:8080
  }
}`;

const noUring = await probeUring();

for (const engine of ["node", "uring"] as const) {
  test(`a tracker that lies, with engine ${engine}`, {
    skip: namespacesMissing() || toolsMissing(["iproute2", "nftables"]) || (engine === "uring" && noUring),
    timeout: 300_000,
  }, async (t) => {
    const bed = await Bed.open(t);
    const internet = new Internet(bed);
    const subscribers = internet.addNetwork("subs", ["203.0.113.0/24"]);
    const outside = internet.addNetwork("outside", [OUTSIDE.prefix]);
    const serve = async (address: string, ...args: number[]) => {
      const server = bed.run(
        [process.execPath, FIXED_TRACKER, address, "80", ...args.map(String)],
        outside.namespace,
      );
      await until("it listens", () => server.stdout.includes("listening"));
    };
    await serve(OUTSIDE.honest, BLOCK.honest, HONEST_PEERS, 1800);
    await serve(OUTSIDE.lying, BLOCK.fake, FAKES, DAY);
    const config = `
listen: { http: ["192.0.2.1:8080"], udp: [] }
engine: ${engine}
tracker: { max_learned_peers: ${PLACES}, numwant_max: 500 }
forwarded_announce: { clients: [203.0.113.0/24] }
`;
    const tracker = await TrackerProcess.start(bed, config, { namespace: internet.core });
    nft(internet.core, ["-f", "-"], REDIRECT);

    const infoHash = randomBytes(20);
    /**
     * Announces from subscribers, by the last numbers of their addresses. @returns the peers of the last answer, by
     * address block.
     */
    const announce = async (host: string, ...clients: number[]) => {
      const answers = await subscribers.announce(
        host === "" ? "http://192.0.2.1:8080/announce" : `http://${host}/announce`,
        clients.map((client, i) => ({
          infoHash,
          port: 7000 + i,
          from: `203.0.113.${client}`,
          numWant: 500,
        })),
      );
      const blocks = answers.at(-1)!.peers.map((peer) => /^46\.(\d+)\./.exec(peer)?.[1]);
      return (block: number) => blocks.filter((each) => each === String(block)).length;
    };

    await announce(OUTSIDE.honest, 1, 2, 3);
    await announce(OUTSIDE.lying, ...Array(20).fill(66));
    const liar = await announce(OUTSIDE.lying, 66);
    assert.ok(liar(BLOCK.fake) > 0, "its own client is returned its peers");

    await announce(OUTSIDE.honest, 4);
    for (const host of [OUTSIDE.honest, ""]) {
      const other = await announce(host, 5);
      assert.equal(other(BLOCK.fake), 0, "nobody else is returned any");
      assert.equal(other(BLOCK.honest), HONEST_PEERS);
    }
    const status = async () =>
      statusSchema.parse(JSON.parse(await fetchIn(bed, internet.core, `${tracker.admin}api/v1/status`)));
    const { forwarding } = await status();
    assert.deepEqual(forwarding?.trackers.map(({ name, confirmed }) => [name, confirmed]).sort(), [
      [`http://${OUTSIDE.honest}`, true],
      [`http://${OUTSIDE.lying}`, false],
    ]);

    await announce(OUTSIDE.lying, 67, 68);
    await until("the lying tracker is confirmed", async () =>
      (await status()).forwarding!.trackers.every(({ confirmed }) => confirmed),
    );
    const after = await announce(OUTSIDE.honest, 6);
    assert.ok(after(BLOCK.fake) > 0, "clients at several addresses use it");
    assert.ok(after(BLOCK.fake) <= PLACES / 2, `${after(BLOCK.fake)}: at most its share`);
    assert.ok(after(BLOCK.honest) >= PLACES / 2, `${after(BLOCK.honest)}: the others have theirs`);
  });
}
