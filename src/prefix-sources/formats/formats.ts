/** The formats of prefix sources. A new one is a file and a line here. */
import { alto } from "./alto.ts";
import { bird } from "./bird.ts";
import type { PrefixFormat } from "./format.ts";
import { list } from "./list.ts";
import { rpsl } from "./rpsl.ts";

/** All formats, by their names in the configuration. */
export const PREFIX_FORMATS = { list, rpsl, bird, alto } as const satisfies Record<string, PrefixFormat>;

/** The name of a format. */
export type PrefixFormatName = keyof typeof PREFIX_FORMATS;

/** All names, the default first. */
export const PREFIX_FORMAT_NAMES = Object.keys(PREFIX_FORMATS) as PrefixFormatName[];
