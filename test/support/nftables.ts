/** nft in a network namespace. */
import { spawnSync } from "node:child_process";

/** The packets that the counters of a table have counted, by name. */
export type Counters = Readonly<Record<string, number>>;

/** Runs nft. @returns its output. @throws Error with its error message. */
export function nft(namespace: string, args: readonly string[], input = ""): string {
  const command = ["netns", "exec", namespace, "nft", ...args];
  const { status, stdout, stderr, error } = spawnSync("ip", command, { input, encoding: "utf8" });
  if (status !== 0) throw new Error(error?.message ?? stderr);
  return stdout;
}

/** Whether a set holds an address. */
export function isInSet(namespace: string, set: string, address: string): boolean {
  try {
    nft(namespace, ["get", "element", ...set.split(" "), `{ ${address} }`]);
    return true;
  } catch {
    return false;
  }
}

/** Reads the named counters of a table. */
export function readCounters(namespace: string, table = "inet btrt"): Counters {
  const { nftables } = JSON.parse(nft(namespace, ["-j", "list", "counters", "table", ...table.split(" ")]));
  const counters: Record<string, number> = {};
  for (const { counter } of nftables) if (counter !== undefined) counters[counter.name] = counter.packets;
  return counters;
}

/** Whether this kernel can refuse with a reset on a bridge: not all have the module nft_reject_bridge. */
export function bridgeCanReset(namespace: string): boolean {
  try {
    nft(
      namespace,
      ["-c", "-f", "-"],
      "table bridge probe { chain a { type filter hook prerouting priority 0\nmeta l4proto tcp reject with tcp reset\n} }",
    );
    return true;
  } catch {
    return false;
  }
}

/** A torrent as an element of the set of listed torrents. */
export function hashElement(infoHash: Buffer): string {
  return `0x${infoHash.toString("hex", 0, 16)} . 0x${infoHash.toString("hex", 16)}`;
}
