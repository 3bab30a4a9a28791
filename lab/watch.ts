/** Records what happens in a run, second by second, to find out why data has entered a home. */
import type { Client, ClientStatus } from "./clients.ts";
import type { Site } from "./site.ts";
import { PORTS } from "./trackers.ts";

/** What a client has at a moment, or that the gate has opened or closed one. */
export type WatchEntry =
  | Omit<ClientStatus, "event">
  | { readonly client: string; readonly seconds: number; readonly isClosed: boolean };

/** The record of one run. */
export class Watch {
  readonly entries: WatchEntry[] = [];
  #begun = Number.NaN;

  /** Second zero. */
  begin(): void {
    this.#begun = performance.now();
  }

  /** Takes over what a client reports. */
  noteStatus({ event: _, ...status }: ClientStatus): void {
    this.entries.push({ ...status, seconds: this.#seconds() });
  }

  /** Notes which members the gate closes and opens for the first torrent. */
  followGate(site: Site, core: string, clients: readonly Client[], infoHash: string): void {
    const nameOf = new Map(clients.map(({ address, name }) => [`${address} ${infoHash}`, name]));
    const hear = (line: string) => {
      if (!line.startsWith("data: ")) return;
      const { add, remove }: Changes = JSON.parse(line.slice("data: ".length));
      for (const [pairs, isClosed] of [
        [remove?.refused, false],
        [add?.refused, true],
      ] as const) {
        for (const pair of pairs ?? []) {
          const client = nameOf.get(pair);
          if (client !== undefined) this.entries.push({ client, seconds: this.#seconds(), isClosed });
        }
      }
    };
    const url = `http://127.0.0.1:${PORTS.admin}/api/v1/gate`;
    site.start(core, ["curl", "--silent", "--no-buffer", "--header", "Accept: text/event-stream", url], hear);
  }

  #seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }
}

/** The part of an event of the gate that says who is closed: pairs of address and info-hash. */
interface Changes {
  readonly add?: { readonly refused?: readonly string[] };
  readonly remove?: { readonly refused?: readonly string[] };
}
