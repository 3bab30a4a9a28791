/** The forms in which a hash list is written and given out. */

/** One of them. */
export type HashListFormat = "text" | "csv" | "json" | "binary" | "nftables";

/** How a format is called outside: by the ending of a file's name, and over HTTP. */
interface FormatNames {
  readonly ending: string;
  readonly mediaType: string;
}

/** The names of every format. */
export const FORMAT_NAMES: Readonly<Record<HashListFormat, FormatNames>> = {
  text: { ending: ".txt", mediaType: "text/plain; charset=utf-8" },
  csv: { ending: ".csv", mediaType: "text/csv; charset=utf-8" },
  json: { ending: ".json", mediaType: "application/json" },
  binary: { ending: ".bin", mediaType: "application/octet-stream" },
  nftables: { ending: ".nft", mediaType: "text/plain; charset=utf-8" },
};

/** All formats. */
export const HASH_LIST_FORMATS = [
  "text",
  "csv",
  "json",
  "binary",
  "nftables",
] as const satisfies HashListFormat[];
