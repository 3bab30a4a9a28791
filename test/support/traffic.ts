/** What goes from network to network, counted where they meet. */
import type { Internet } from "./networks.ts";
import { nft } from "./nftables.ts";

/** IPv4 traffic from one prefix to another. */
export interface Flow {
  readonly from: string;
  readonly to: string;
}

/** Counts what is routed, by flow. Trackers' traffic does not count. */
export class Traffic {
  readonly #namespace: string;

  /** @param flows by name. @param trackerPort on either end: not counted. */
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

  /** Bytes that a flow has had. */
  bytes(name: string): number {
    const listed = nft(this.#namespace, ["list", "counter", "ip", "traffic", name]);
    return Number(/bytes (\d+)/.exec(listed)?.[1]);
  }
}
