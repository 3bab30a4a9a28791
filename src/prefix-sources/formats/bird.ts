/**
 * What `birdc show route` of BIRD 1, 2 and 3 prints: a line for each prefix with its first route, which is the best one;
 * further routes and attributes are indented.
 */
import type { PrefixFormat } from "./format.ts";

/** A prefix at the start of a line. `birdc -v` writes a reply code before it, or five spaces if the code is the same. */
const ROUTE = /^(?:\d{4}[- ]| {5})?([0-9a-f:.]+\/\d{1,3})\s+(\S.*)$/i;
/** The end of a route of BGP: the AS at the end of its path, and the letter of its origin attribute. */
const ORIGIN = /\[AS(\d{1,10})[ie?]\]\s*$/;

/** Takes each prefix once. Lines without a prefix are skipped, and so are routes of other kinds, such as VPN or ROA. */
export const bird: PrefixFormat = {
  description: "the output of birdc show route",
  accept: "text/plain, */*;q=0.5",
  parser(found, select) {
    const selected = new Set(select.map((name) => Number(name.slice("AS".length))));
    return {
      line(text) {
        const [, prefix, route] = ROUTE.exec(text) ?? [];
        if (prefix === undefined) return;
        const [, origin] = ORIGIN.exec(route) ?? [];
        if (selected.size === 0 || (origin !== undefined && selected.has(Number(origin)))) found.add(prefix);
      },
      end() {},
    };
  },
};
