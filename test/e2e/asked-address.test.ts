/**
 * A machine with several addresses, and a tracker that listens on all of them: a reply leaves from the address that was
 * asked.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { Bed, ip, until } from "../support/bed.ts";
import { namespacesMissing } from "../support/networks.ts";
import { type RunOptions, TrackerProcess } from "../support/tracker-process.ts";

const CONNECTOR = fileURLToPath(new URL("./connector.ts", import.meta.url));
const PORT = 6969;

/** The server's addresses. By its routes, the kernel would reply from the first of each family. */
const ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"];
const LATER = ["192.0.2.3", "2001:db8::3"];
/** Addresses of the loopback interface, as an anycast service has them. */
const ANYCAST = ["198.51.100.53", "2001:db8:53::53"];

/** Runs a program that inherits the socket of `[::]:6969`, as from a service manager. */
const GIVEN = [
  "/usr/bin/python3",
  "-c",
  `import os, socket, sys
given = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
given.bind(("::", ${PORT}))
os.dup2(given.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[1], sys.argv[1:])`,
];

const uringMissing = (await probeUring()) ?? false;

/** A server and a client on one link. */
async function twoMachines(bed: Bed): Promise<{ server: string; client: string }> {
  const [server, client] = [bed.addNamespace("server"), bed.addNamespace("client")];
  ip(`-n ${server} link add uplink type veth peer name uplink netns ${client}`);
  for (const address of ADDRESSES) addAddress(server, address);
  for (const address of ["192.0.2.100", "2001:db8::100"]) addAddress(client, address);
  for (const namespace of [server, client]) ip(`-n ${namespace} link set uplink up`);
  for (const address of ANYCAST) {
    const [family, bits, via] = address.includes(":") ? ["-6", 128, "2001:db8::1"] : ["-4", 32, "192.0.2.1"];
    ip(`-n ${server} addr add ${address}/${bits} dev lo`);
    ip(`-n ${client} ${family} route add ${address}/${bits} via ${via}`);
  }
  return { server, client };
}

function addAddress(namespace: string, address: string): void {
  ip(
    address.includes(":")
      ? `-n ${namespace} addr add ${address}/64 dev uplink nodad`
      : `-n ${namespace} addr add ${address}/24 dev uplink`,
  );
}

/** Connects (BEP 15) to addresses from a namespace. @returns the source address of each reply. */
async function repliesFrom(bed: Bed, client: string, asked: readonly string[]): Promise<string[]> {
  const connector = bed.run([process.execPath, CONNECTOR, String(PORT), ...asked], client);
  assert.equal(await connector.ended, 0, connector.stderr);
  return JSON.parse(connector.stdout);
}

function start(bed: Bed, engine: string, workers: number, udp: string[], options: RunOptions) {
  const listen = `{ http: ["127.0.0.1:0"], udp: ${JSON.stringify(udp)} }`;
  return TrackerProcess.start(bed, `engine: ${engine}\nworkers: ${workers}\nlisten: ${listen}\n`, options);
}

for (const engine of ["uring", "node"]) {
  const skip = (engine === "uring" && uringMissing) || namespacesMissing();

  for (const [workers, udp] of [
    [1, ["[::]:6969"]],
    [2, ["[::]:6969"]],
    [2, ["0.0.0.0:6969", "[::]:6969"]],
  ] as const) {
    test(`${engine}, ${workers} workers, ${udp}`, { skip, timeout: 300_000 }, async (t) => {
      const bed = await Bed.open(t);
      const { server, client } = await twoMachines(bed);
      const tracker = await start(bed, engine, workers, [...udp], { namespace: server });
      const asked = [...ADDRESSES, ...ANYCAST];
      assert.deepEqual(await repliesFrom(bed, client, [...asked, ...asked]), [...asked, ...asked]);
      assert.ok(tracker.log.every(({ msg }) => !msg.includes("several addresses")));
      for (const address of LATER) addAddress(server, address);
      await until("addresses that came later answer", async () => {
        const from = await repliesFrom(bed, client, LATER);
        return from.join() === LATER.join();
      });
      assert.equal(await tracker.stop(), 0);
    });
  }

  test(`${engine}, a socket that is given`, { skip, timeout: 300_000 }, async (t) => {
    const bed = await Bed.open(t);
    const { server, client } = await twoMachines(bed);
    const options = { namespace: server, by: GIVEN };
    const tracker = await start(bed, engine, 2, ["[::]:6969"], options);
    const warnings = tracker.log.filter(({ msg }) => msg.includes("several addresses"));
    if (engine === "uring") {
      assert.deepEqual(await repliesFrom(bed, client, [...ADDRESSES, ...ANYCAST]), [
        ...ADDRESSES,
        ...ANYCAST,
      ]);
      assert.deepEqual(warnings, []);
    } else {
      // The kernel allows no other socket beside it. The log says what to do.
      assert.deepEqual(
        warnings.map(({ level, udp }) => [level, udp]),
        [["warning", ["[::]:6969"]]],
      );
      assert.match(warnings[0].msg, /name each address in listen\.udp/);
    }
  });
}
