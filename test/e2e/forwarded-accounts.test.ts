/** The accounts of a private tracker with a hundred members, with BTRT in between and without. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { statusSchema } from "../../src/admin/status.ts";
import { Bed, until } from "../support/bed.ts";
import { fetchIn, Internet, type Network, namespacesMissing } from "../support/networks.ts";
import { nft } from "../support/nftables.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";
import type { Account } from "./private-tracker.ts";

const PRIVATE_TRACKER = fileURLToPath(new URL("./private-tracker.ts", import.meta.url));
const MEMBERS = fileURLToPath(new URL("./members.ts", import.meta.url));
const MEMBER_COUNT = 100;

/** Outside, with an address that BTRT may ask. */
const TRACKER = { prefix: "45.10.20.0/24", address: "45.10.20.1", port: 80 };
const ORIGIN = `http://${TRACKER.address}`;

const REDIRECT = `table ip redirection {
  chain prerouting {
    type nat hook prerouting priority dstnat
    ip saddr 100.64.0.0/24 ip daddr ${TRACKER.address} tcp dport ${TRACKER.port} dnat to 192.0.2.1:8080
  }
}`;

type Accounts = Record<string, Account>;

test("a private tracker's accounts come out the same with us in its place", {
  skip: namespacesMissing() || toolsMissing(["iproute2", "nftables"]),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const internet = new Internet(bed);
  const members = internet.addNetwork("members", ["100.64.0.0/24"]);
  const outside = internet.addNetwork("outside", [TRACKER.prefix]);
  const config = `
listen: { http: ["192.0.2.1:8080"], udp: [] }
peer_groups: [{ name: members, priority: 0, cidr_list: [100.64.0.0/24] }]
forwarded_announce: { clients: [100.64.0.0/24] }
`;
  const tracker = await TrackerProcess.start(bed, config, { namespace: internet.core });
  const without = await liveThrough(bed, { members, outside }, async () => {});
  assert.equal(Object.keys(without).length, MEMBER_COUNT);
  nft(internet.core, ["-f", "-"], REDIRECT);
  const accounts = await liveThrough(bed, { members, outside }, async (read) => {
    await until("the accounts are the same", async () => isDeepStrictEqual(await read(), without)).catch(
      () => {},
    );
  });
  assert.deepEqual(accounts, without);
  assert.ok(
    Object.values(accounts).every(
      ({ started, stopped, active }) => started > 0 && started === stopped && active === 0,
    ),
  );

  const status = await fetchIn(bed, internet.core, `${tracker.admin}api/v1/status`);
  const { forwarding } = statusSchema.parse(JSON.parse(status));
  const announces = forwarding?.announces ?? 0;
  assert.ok(announces > 1000, `${announces} announces came by us`);
  assert.ok(
    (forwarding?.unasked ?? 0) > 300,
    "regular announces before their time were kept from the tracker",
  );
  assert.equal(forwarding?.failed, 0);
});

/** Runs all members. @param settle waits for announces that are still in progress. */
async function liveThrough(
  bed: Bed,
  { members, outside }: { members: Network; outside: Network },
  settle: (read: () => Promise<Accounts>) => Promise<void>,
): Promise<Accounts> {
  const { address, port } = TRACKER;
  const server = bed.run([process.execPath, PRIVATE_TRACKER, address, String(port)], outside.namespace);
  await until("the private tracker listens", () => server.stdout.includes("listening"));
  const read = async (): Promise<Accounts> =>
    JSON.parse(await fetchIn(bed, outside.namespace, `${ORIGIN}/accounts`));
  const living = bed.run([process.execPath, MEMBERS, ORIGIN], members.namespace);
  assert.equal(await living.ended, 0, living.stderr);
  await settle(read);
  const accounts = await read();
  assert.equal(server.stdout, "listening\n", "nobody was refused");
  await server.stop();
  return accounts;
}
