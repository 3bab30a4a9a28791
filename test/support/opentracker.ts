/** Another real tracker: opentracker, as Debian packages it. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bed, type Process, until } from "./bed.ts";
import type { Network } from "./networks.ts";

/** Starts one, over HTTP and UDP, that serves these torrents. @param address to listen on. */
export async function startOpentracker(
  bed: Bed,
  network: Network,
  address: string,
  port: number,
  infoHashes: readonly Uint8Array[],
): Promise<Process> {
  // It drops its privileges before it reads the list.
  chmodSync(bed.directory, 0o755);
  const directory = bed.path("opentracker");
  mkdirSync(directory, { mode: 0o755 });
  const list = infoHashes.map((each) => `${Buffer.from(each).toString("hex")}\n`);
  writeFileSync(join(directory, "list.txt"), list.join(""));
  const options = `-i ${address} -p ${port} -P ${port} -u nobody -w list.txt -d ${directory}`;
  const started = bed.run(["opentracker", ...options.split(" ")], network.namespace);
  const url = `http://${address}:${port}/announce`;
  await until("opentracker has read its list", async () => {
    if (started.end !== undefined) throw new Error(started.stderr);
    const probe = { infoHash: infoHashes[0], port: 9, event: "stopped" } as const;
    return network.announce(url, [probe]).then(
      () => true,
      () => false,
    );
  });
  return started;
}
