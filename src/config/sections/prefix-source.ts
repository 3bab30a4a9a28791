/** `peer_groups[].source`: where the prefixes of a group are read at an interval. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import {
  PREFIX_FORMAT_NAMES,
  PREFIX_FORMATS,
  type PrefixFormatName,
} from "../../prefix-sources/formats/formats.ts";
import { choice, expected, integer, keys, list, rule, text } from "../fields.ts";
import { quote } from "../problem.ts";

const ARGUMENTS_MAX = 100;
const SELECTED_MAX = 10_000;

const URL_FORM = /^https?:\/\/[^\s@]+$/i;

const fromError = expected(
  'a URL such as "https://example.net/prefixes.txt", without user and password, or a program with its path and ' +
    'arguments such as ["/usr/sbin/birdc", "show route"]',
);

/** What a source is read from. */
const from = z
  .union([z.string(), z.array(z.string()).max(ARGUMENTS_MAX)], { error: fromError })
  .refine((value) => (typeof value === "string" ? URL_FORM.test(value) : isAbsolute(value[0] ?? "")), {
    error: fromError,
  });

const AS_NUMBER = /^AS\d{1,10}$/i;
/** An as-set, with or without its hierarchy (RFC 2622 5). */
const AS_SET = /^(AS\d{1,10}:)*AS-[A-Z0-9_:-]*$/i;

/** The keys of a source, before the copy has a path. */
export const prefixSource = keys(
  {
    from: from.meta({
      description:
        "An http or https URL, whose text may be compressed with gzip; or a program and its arguments. The program is run " +
        "without a shell, and its standard output is read.",
      examples: ["https://example.net/routes.txt"],
    }),
    format: choice(PREFIX_FORMAT_NAMES)
      .default("list")
      .describe(
        `The format of the text. ${Object.entries(PREFIX_FORMATS)
          .map(([name, { description }]) => `${name}: ${description}`)
          .join("; ")}.`,
      ),
    select: list(text(), SELECTED_MAX).meta({
      description:
        "What is used of the text. rpsl: routes of these ASes and as-sets; the as-sets must be in the same text. bird: " +
        "routes of these ASes. alto: these PIDs. Without it, all prefixes are used.",
      examples: [["AS64500", "AS-EXAMPLE"]],
    }),
    interval: integer(60, 604_800).default(3600).describe("Seconds between two reads."),
    timeout: integer(1, 3600).default(60).describe("The timeout of a read in seconds."),
    max_size: integer(1, 1024).default(64).describe("The limit of the text in MiB."),
    max_prefixes: integer(1, 2_000_000).default(100_000).describe("The limit of prefixes."),
  },
  rule(["select", "format"], ({ select, format }) => {
    const wrong = select.find((name) => !isSelectable(name, format));
    if (wrong === undefined) return undefined;
    if (format === "list") return "needs the format rpsl, bird or alto";
    const forms =
      format === "bird" ? "an AS number such as AS64500" : "an AS number or an as-set such as AS-EXAMPLE";
    return `has ${quote(wrong)}, which is not ${forms}`;
  }),
);

function isSelectable(name: string, format: PrefixFormatName): boolean {
  if (format === "alto") return true;
  return (format !== "list" && AS_NUMBER.test(name)) || (format === "rpsl" && AS_SET.test(name));
}
