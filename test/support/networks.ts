/** Operators' networks on one machine: network namespaces, connected by one that routes between them. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Announce, AnnounceAnswer } from "./announce.ts";
import { type Bed, ip } from "./bed.ts";

const ANNOUNCER = fileURLToPath(new URL("./announcer.ts", import.meta.url));

/**
 * Why this machine cannot have network namespaces, or false if it can.
 * @throws Error under CI, where nothing may be skipped.
 */
export function namespacesMissing(): string | false {
  const name = `btrt-e2e-probe-${randomUUID()}`;
  try {
    ip(`netns add ${name}`);
    ip(`netns del ${name}`);
    return false;
  } catch (error) {
    if (process.env.CI) throw error;
    return "needs to be root, and network namespaces";
  }
}

/** A network. All addresses of its prefixes are local to it: clients and servers can use them. */
export class Network {
  readonly namespace: string;
  readonly #bed: Bed;

  constructor(bed: Bed, namespace: string) {
    this.#bed = bed;
    this.namespace = namespace;
  }

  /** Sends announces from addresses of this network, one after the other. */
  async announce(url: string, announces: readonly Announce[]): Promise<AnnounceAnswer[]> {
    const list = announces.map((each) => [
      url,
      { ...each, infoHash: Buffer.from(each.infoHash).toString("hex") },
    ]);
    const announcer = this.#bed.run([process.execPath, ANNOUNCER, JSON.stringify(list)], this.namespace);
    if ((await announcer.ended) !== 0) throw new Error(announcer.stderr);
    return JSON.parse(announcer.stdout);
  }
}

/** The router between networks, and its networks. */
export class Internet {
  /** The namespace that routes. Programs in it are reached at {@link address} and {@link address6}. */
  readonly core: string;
  readonly address = "192.0.2.1";
  readonly address6 = "2001:db8::1";
  readonly #bed: Bed;
  #networks = 0;

  constructor(bed: Bed) {
    this.#bed = bed;
    this.core = bed.addNamespace("core");
    ip(`netns exec ${this.core} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
    ip(`-n ${this.core} addr add ${this.address}/32 dev lo`);
    ip(`-n ${this.core} addr add ${this.address6}/128 dev lo`);
  }

  /** Adds a network. @param prefixes IPv4 and IPv6. */
  addNetwork(name: string, prefixes: readonly string[]): Network {
    const n = ++this.#networks;
    const namespace = this.#bed.addNamespace(name);
    ip(`netns exec ${namespace} sysctl -qw net.ipv6.ip_nonlocal_bind=1`);
    const ends = [
      { namespace: this.core, device: `to${n}`, hop: 1 },
      { namespace, device: "uplink", hop: 2 },
    ];
    ip(`-n ${this.core} link add to${n} type veth peer name uplink netns ${namespace}`);
    for (const end of ends) {
      ip(`-n ${end.namespace} link set ${end.device} up`);
      ip(`-n ${end.namespace} addr add 198.19.${n}.${end.hop}/30 dev ${end.device}`);
      ip(`-n ${end.namespace} addr add fd00:${n}::${end.hop}/64 dev ${end.device} nodad`);
    }
    for (const family of ["-4", "-6"]) {
      const via = (hop: number) => (family === "-4" ? `198.19.${n}.${hop}` : `fd00:${n}::${hop}`);
      ip(`-n ${namespace} ${family} route add default via ${via(1)}`);
      for (const prefix of prefixes.filter((each) => each.includes(":") === (family === "-6"))) {
        ip(`-n ${namespace} ${family} route add local ${prefix} dev lo`);
        ip(`-n ${this.core} ${family} route add ${prefix} via ${via(2)}`);
      }
    }
    return new Network(this.#bed, namespace);
  }
}

/** Fetches a URL in a namespace, as text. */
export async function fetchIn(bed: Bed, namespace: string, url: string): Promise<string> {
  const asked = bed.run(["curl", "--silent", "--show-error", "--fail", url], namespace);
  assert.equal(await asked.ended, 0, asked.stderr);
  return asked.stdout;
}
