/** The formats in which DPI boxes get the lists of the gate. A format is added here and nowhere else. */

/** What is exported. `gated` has info-hashes; `open` and `refused` an address and an info-hash; the others address and port. */
export const GATE_EXPORTS = ["gated", "open", "refused", "closed", "far"] as const;

/** The name of an exported list. */
export type GateExport = (typeof GATE_EXPORTS)[number];

/** The parts of an element. */
const COLUMNS: Readonly<Record<GateExport, readonly string[]>> = {
  gated: ["info_hash"],
  open: ["address", "info_hash"],
  refused: ["address", "info_hash"],
  closed: ["address", "port"],
  far: ["address", "port"],
};

/** A format. Elements are as in protocol.ts: their parts are separated by spaces. */
interface GateFormat {
  readonly ending: string;
  readonly mediaType: string;
  /** One sentence for the configuration's template. */
  readonly description: string;
  readonly begin: (list: GateExport) => string;
  /** @param isFirst whether there are none before. */
  readonly encode: (elements: readonly string[], list: GateExport, isFirst: boolean) => string;
  readonly end: string;
}

/** All formats, in the order in which help texts list them. */
export const GATE_FORMATS = {
  text: {
    ending: ".txt",
    mediaType: "text/plain; charset=utf-8",
    description: "an element per line, its parts separated by a space",
    begin: () => "",
    encode: (elements) => `${elements.join("\n")}\n`,
    end: "",
  },
  csv: {
    ending: ".csv",
    mediaType: "text/csv; charset=utf-8",
    description: "the same with a header and commas",
    begin: (list) => `${COLUMNS[list].join(",")}\n`,
    encode: (elements) => `${elements.join("\n").replaceAll(" ", ",")}\n`,
    end: "",
  },
  json: {
    ending: ".json",
    mediaType: "application/json",
    description: "an array of objects",
    begin: () => "[",
    encode: (elements, list, isFirst) =>
      (isFirst ? "\n" : ",\n") +
      elements.map((element) => JSON.stringify(toObject(element, COLUMNS[list]))).join(",\n"),
    end: "\n]\n",
  },
} as const satisfies Readonly<Record<string, GateFormat>>;

/** The name of a format. */
export type GateFormatName = keyof typeof GATE_FORMATS;

/** The names of all formats. */
export const GATE_FORMAT_NAMES = Object.keys(GATE_FORMATS) as readonly GateFormatName[];

function toObject(element: string, columns: readonly string[]): Record<string, string | number> {
  const parts = element.split(" ");
  return Object.fromEntries(columns.map((name, i) => [name, name === "port" ? Number(parts[i]) : parts[i]]));
}
