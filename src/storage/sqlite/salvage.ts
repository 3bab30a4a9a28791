/** Reads all valid rows of a damaged SQLite file. The file is not changed. */
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { type Database, type GroupTotal, keyOf, type SwarmRow } from "../database.ts";
import type { CopyCounts } from "../database-kind.ts";
import { SalvagePages } from "./salvage-pages.ts";
import { type SalvagedRow, SalvageRows } from "./salvage-rows.ts";

/** Rows written at once: some milliseconds of work. */
export const ROWS_AT_ONCE = 250;

/** Pages read before other tasks of the event loop run. */
const PAGES_AT_ONCE = 32;

/** Pages that are scanned to recognize a file without a valid header as ours. */
const LOOK_PAGES = 1024;

/**
 * Copies every valid row to an empty database.
 * @param path of the damaged file, which no process writes to.
 * @throws DatabaseError of the new database.
 */
export async function salvage(path: string, to: Database): Promise<CopyCounts> {
  const pages = new SalvagePages(path, true);
  try {
    return await new Salvage(to).copy(pages);
  } finally {
    pages.close();
  }
}

/** Whether a file has valid rows of swarms, whatever its header says. */
export function hasSwarms(path: string): boolean {
  // The log may belong to an earlier file.
  const pages = new SalvagePages(path, false);
  try {
    const rows = new SalvageRows(pages);
    for (let page = 1; page <= Math.min(pages.count, LOOK_PAGES); page++) {
      for (const row of rows.on(page)) if ("swarm" in row) return true;
    }
    return false;
  } finally {
    pages.close();
  }
}

class Salvage {
  readonly #to: Database;
  readonly #counts: CopyCounts = { swarms: 0, totals: 0 };
  #swarms = new Map<string, SwarmRow>();
  readonly #totals = new Map<string, GroupTotal>();

  constructor(to: Database) {
    this.#to = to;
  }

  async copy(pages: SalvagePages): Promise<CopyCounts> {
    const rows = new SalvageRows(pages);
    for (let page = 1; page <= pages.count; page++) {
      for (const row of rows.on(page)) this.#take(row);
      if (this.#swarms.size >= ROWS_AT_ONCE) await this.#writeSwarms();
      if (page % PAGES_AT_ONCE === 0) await yieldToOthers();
    }
    await this.#writeSwarms();
    const totals = [...this.#totals.values()];
    await writeInSlices(totals, (slice) => this.#to.addTotals(slice));
    this.#counts.totals = totals.length;
    return this.#counts;
  }

  /** Takes the newest version of a row: an unused page may have an old one. */
  #take(row: SalvagedRow): void {
    if ("swarm" in row) {
      const key = keyOf(row.swarm.infoHash);
      const known = this.#swarms.get(key);
      if (known === undefined || known.lastSeen < row.swarm.lastSeen) this.#swarms.set(key, row.swarm);
      return;
    }
    const key = `${row.total.span} ${row.total.start} ${row.total.group}`;
    const known = this.#totals.get(key);
    if (known === undefined || known.counts[0] < row.total.counts[0]) this.#totals.set(key, row.total);
  }

  async #writeSwarms(): Promise<void> {
    const rows = [...this.#swarms.values()];
    this.#swarms = new Map();
    const known = await this.#to.readFacts(rows.map(({ infoHash }) => infoHash));
    const newer = rows.filter(
      ({ infoHash, lastSeen }) => (known.get(keyOf(infoHash))?.lastSeen ?? -1) < lastSeen,
    );
    await this.#to.writeSwarms(newer);
    this.#counts.swarms += newer.filter(({ infoHash }) => !known.has(keyOf(infoHash))).length;
  }
}

/** Writes rows in slices, so that other tasks of the event loop run in between. */
export async function writeInSlices<T>(
  rows: readonly T[],
  write: (slice: readonly T[]) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    await write(rows.slice(from, from + ROWS_AT_ONCE));
    await yieldToOthers();
  }
}
