/** Counts the traffic between networks at their router. */
import type { Internet } from "./networks.ts";
import { nft } from "./nftables.ts";

/** IPv4 traffic from one prefix to another. */
export interface Flow {
  readonly from: string;
  readonly to: string;
}

/** Counts forwarded bytes by flow, except those of trackers. */
export class Traffic {
  readonly #namespace: string;

  /** @param flows by name. @param trackerPort not counted, on either end. */
  constructor(internet: Internet, flows: Readonly<Record<string, Flow>>, trackerPort: number) {
    this.#namespace = internet.core;
    const rules = Object.entries(flows).map(
      ([name, { from, to }]) =>
        `meta l4proto { tcp, udp } ip saddr ${from} ip daddr ${to} counter name ${name}`,
    );
    const trackers = [`th sport ${trackerPort} accept`, `th dport ${trackerPort} accept`];
    const counters = Object.keys(flows).map((name) => `counter ${name} {}`);
    const chain = ["chain forward {", "type filter hook forward priority 0", ...trackers, ...rules, "}"];
    nft(this.#namespace, ["-f", "-"], ["table ip traffic {", ...counters, ...chain, "}", ""].join("\n"));
  }

  /** The bytes of a flow. */
  bytes(name: string): number {
    const listed = nft(this.#namespace, ["list", "counter", "ip", "traffic", name]);
    return Number(/bytes (\d+)/.exec(listed)?.[1]);
  }
}
