import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../lab/process.ts";
import { run } from "../../lab/run.ts";
import type { Scenario } from "../../lab/scenario.ts";
import { Site } from "../../lab/site.ts";
import { type Network, Topology } from "../../lab/topology.ts";
import { ip } from "../support/bed.ts";
import { namespacesMissing } from "../support/networks.ts";
import { toolsMissing } from "../support/tools.ts";

const SMALL: Scenario = {
  name: "small",
  about: "Two clients at home, the seeder outside",
  networks: [
    { name: "home", priority: 0, uplinkMbit: 50, crews: [{ clients: 2 }] },
    { name: "outside", crews: [{ clients: 1, seed: true }] },
  ],
  megabytes: 2,
};

const skip = toolsMissing(["iproute2", "nftables", "python3-libtorrent"]) || namespacesMissing();

test("the lab counts what enters a home, and leaves nothing behind", { skip, timeout: 300_000 }, async () => {
  const result = await run({ scenario: SMALL, tracker: "nearest", repetition: 1 });
  assert.equal(result.unfinished, 0);
  assert.equal(result.seconds.length, 2);
  assert.equal(result.homes.length, 1);
  const { copiesIn, copiesOut } = result.homes[0];
  assert.ok(
    copiesIn > 0.98 && copiesIn < 2.1,
    `${copiesIn} copies, for two clients at least one and at most two`,
  );
  assert.ok(copiesOut < 0.05, `${copiesOut} copies went to a seeder`);
  assert.ok(!ip("netns", "list").includes(`btrt-lab-${process.pid}-`));
});

/**
 * A Python program that sends bytes from one address to another. It prints the seconds from the first to the last
 * received byte.
 */
const BYTES = 2_000_000;
const RECEIVE = (address: string) => `
import socket, time
server = socket.create_server(("${address}", 7000))
print("ready", flush=True)
connection, _ = server.accept()
begin, total = time.monotonic(), 0
while data := connection.recv(1 << 16): total += len(data)
print(total, time.monotonic() - begin, flush=True)
`;
const SEND = (from: string, to: string) => `
import socket
connection = socket.create_connection(("${to}", 7000), source_address=("${from}", 0))
connection.sendall(bytes(${BYTES}))
connection.close()
`;

/** @returns the seconds it took. */
async function send(site: Site, from: Network, to: Network): Promise<number> {
  const lines: string[] = [];
  const python = ["/usr/bin/python3", "-c"];
  const receiver = site.start(to.namespace, [...python, RECEIVE(to.addresses[0])], (line) =>
    lines.push(line),
  );
  await until("the receiver listens", () => lines.length > 0, 60_000);
  site.start(from.namespace, [...python, SEND(from.addresses[0], to.addresses[0])]);
  await receiver.ended;
  const [received, seconds] = lines[1].split(" ").map(Number);
  assert.equal(received, BYTES);
  return seconds;
}

test("links keep their rate, and bytes are counted once however often they are sent", { skip }, async () => {
  const site = new Site();
  try {
    const topology = await Topology.build(site, [
      { name: "home", clients: 1, uplinkMbit: 10 },
      { name: "partner", clients: 1, uplinkMbit: 10, peersWith: "home" },
      { name: "outside", clients: 1 },
    ]);
    const [home, partner, outside] = topology.networks;
    // Packets that the queue of the narrow link drops are sent again.
    const seconds = await send(site, outside, home);
    assert.ok(seconds > 1.4, `${seconds} s for 2 MB at 1.25 MB/s and a burst`);
    // At the rate of the uplinks it cannot take less than the 1.4 s above. A busy machine may need several attempts.
    let fastest = await send(site, home, partner);
    for (let more = 0; more < 20 && fastest >= 1; more++)
      fastest = Math.min(fastest, await send(site, home, partner));
    assert.ok(fastest < 1, "partners do not use their uplinks");
    const flows = await topology.flows();
    const bytes = (from: Network, to: Network) =>
      flows.find((flow) => flow.from === from.name && flow.to === to.name)?.bytes ?? 0;
    assert.ok(Math.abs(bytes(outside, home) - BYTES) < BYTES / 100, `${bytes(outside, home)} bytes`);
    assert.equal(bytes(home, outside), 0, "acknowledgements are not counted");
  } finally {
    await site.close();
  }
});
