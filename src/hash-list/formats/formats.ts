/** The formats of the hash list, by name. A format is added here and nowhere else. */
import { binary } from "./binary.ts";
import { csv } from "./csv.ts";
import type { Format } from "./format.ts";
import { json } from "./json.ts";
import { nftables } from "./nftables.ts";
import { text } from "./text.ts";

/** All formats, in the order in which help texts list them. */
export const FORMATS = { text, csv, json, binary, nftables } as const satisfies Readonly<
  Record<string, Format>
>;

/** The name of a format. */
export type HashListFormat = keyof typeof FORMATS;

/** The names of all formats. */
export const HASH_LIST_FORMATS = Object.keys(FORMATS) as readonly HashListFormat[];

/** The formats that are exported in a dry run, for messages: "csv and json". */
export const DRY_RUN_FORMATS = HASH_LIST_FORMATS.filter((name) => FORMATS[name].availableInDryRun).join(
  " and ",
);
