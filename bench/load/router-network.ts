/** A subscriber, a router and an outside host, for packets that are sent through. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Flood } from "./flood.ts";

const FLOOD = fileURLToPath(new URL("../load/flood.ts", import.meta.url));

/**
 * The address of the subscriber, those of the router on both sides, and an outside address from which nothing replies.
 */
const SUBSCRIBER = "203.0.113.10";
const GATEWAY = "203.0.113.1";
const UPLINK = "198.51.100.1";
export const OUTSIDE = "198.51.100.10";
const OUTSIDE_LINK = "02:00:00:00:00:0b";

/** A subscriber, a router and an outside host, in network namespaces. */
export class RouterNetwork {
  static #count = 0;
  readonly #names = ["subscriber", "router", "outside"].map(
    (name) => `btrt-bench-${process.pid}-${RouterNetwork.#count}-${name}`,
  );

  constructor() {
    const [subscriber, router, outside] = this.#names;
    RouterNetwork.#count++;
    for (const name of this.#names) ip(`netns add ${name}`);
    process.once("exit", () => this.remove());
    ip(`-n ${router} link add lan type veth peer name lan netns ${subscriber}`);
    ip(`-n ${router} link add wan type veth peer name wan netns ${outside}`);
    ip(`-n ${outside} link set wan address ${OUTSIDE_LINK} up`);
    for (const [name, device] of [
      [subscriber, "lan"],
      [router, "lan"],
      [router, "wan"],
    ]) {
      ip(`-n ${name} link set ${device} up`);
    }
    ip(`-n ${subscriber} addr add ${SUBSCRIBER}/24 dev lan`);
    ip(`-n ${subscriber} route add default via ${GATEWAY}`);
    ip(`-n ${router} addr add ${GATEWAY}/24 dev lan`);
    ip(`-n ${router} addr add ${UPLINK}/24 dev wan`);
    ip(`-n ${router} neigh add ${OUTSIDE} lladdr ${OUTSIDE_LINK} dev wan`);
    ip(`-n ${router} link set lo up`);
    ip(`netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`);
  }

  /** The namespace of the router. */
  get router(): string {
    return this.#names[1];
  }

  /** Loads rules. */
  load(ruleset: string): void {
    execFileSync("ip", ["netns", "exec", this.#names[1], "nft", "-f", "-"], { input: ruleset });
  }

  /** @returns a set of the table, as nft writes it. */
  list(set: string): string {
    const args = ["netns", "exec", this.router, "nft", "list", "set", "inet", "btrt", set];
    return execFileSync("ip", args, { encoding: "utf8", maxBuffer: 1 << 26 });
  }

  /** @returns nanoseconds per packet. @throws Error if packets are lost, because lost packets cost less. */
  flood(flood: Flood, core: number): number {
    const command = ["taskset", "-c", String(core), process.execPath, FLOOD, JSON.stringify(flood)];
    const before = this.#arrived();
    const ns = Number(
      execFileSync("ip", ["netns", "exec", this.#names[0], ...command], { encoding: "utf8" }),
    );
    const lost = flood.bursts * flood.burst - (this.#arrived() - before);
    if (lost > 0) throw new Error(`${lost} packets were lost`);
    return ns;
  }

  #arrived(): number {
    const [{ stats64 }] = JSON.parse(ip(`-n ${this.#names[2]} -j -s link show wan`));
    return stats64.rx.packets;
  }

  remove(): void {
    for (const name of this.#names.splice(0)) ip(`netns del ${name}`);
  }
}

function ip(words: string): string {
  return execFileSync("ip", words.split(" "), { encoding: "utf8" });
}
