/** Reads prefix sources once, for `btrt check --sources` and `btrt doctor`. */
import type { PrefixListing } from "../prefix-sources/prefix-collector.ts";
import { readPrefixSource } from "../prefix-sources/read-source.ts";
import type { PrefixSourceSettings } from "../prefix-sources/settings.ts";
import { mustBeConfirmed, SourceCopy } from "../prefix-sources/source-copy.ts";
import { SourceError } from "../prefix-sources/source-error.ts";

/** What a source contains now. */
export interface SourceReading {
  readonly group: string;
  /** Whether it could be read. */
  readonly isRead: boolean;
  /** The counts as a clause; or why it could not be read. */
  readonly text: string;
  /** Whether the tracker would wait for a confirmation. */
  readonly isTooSmall: boolean;
}

/** Reads all sources at the same time, and changes nothing. */
export function readSources(sources: readonly PrefixSourceSettings[]): Promise<SourceReading[]> {
  return Promise.all(sources.map(readSource));
}

async function readSource(settings: PrefixSourceSettings): Promise<SourceReading> {
  const { group } = settings;
  const copy = new SourceCopy(settings.copy, group);
  try {
    const listing = await readPrefixSource(settings);
    const before = await copy.count();
    return {
      group,
      isRead: true,
      text: describe(listing, before),
      isTooSmall: mustBeConfirmed(listing.prefixes.length, before),
    };
  } catch (error) {
    if (error instanceof SourceError) return { group, isRead: false, text: error.message, isTooSmall: false };
    throw error;
  }
}

function describe({ prefixes, notes }: PrefixListing, before: number): string {
  const ipv4 = prefixes.filter(({ family }) => family === 4).length;
  const number = (value: number) => value.toLocaleString("en");
  const counts = `${number(ipv4)} IPv4 and ${number(prefixes.length - ipv4)} IPv6 prefixes`;
  const copied = before === 0 ? "there is no copy yet" : `${number(before)} in the copy`;
  return [counts, copied, ...notes].join("; ");
}
