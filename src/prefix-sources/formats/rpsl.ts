/**
 * Route objects and as-sets in RPSL text (RFC 2622, RFC 4012), as the RIPE database and other routing registries publish
 * it and answer queries with it.
 */
import type { PrefixCollector } from "../prefix-collector.ts";
import { excerpt, SourceError } from "../source-error.ts";
import type { PrefixFormat, PrefixParser } from "./format.ts";

/** Limit of members of all as-sets in a text. */
const MEMBERS_LIMIT = 1_000_000;
/** Limit of route objects that are kept until all as-sets are known. */
const ROUTES_LIMIT = 2_000_000;

const AS_NUMBER = /^AS(\d{1,10})$/;
/** A server's complaint, such as `%ERROR:201: access denied`. The text before it may be incomplete. */
const COMPLAINT = /^%\s*error/i;

/** Parses it object by object. An invalid prefix is left out, as registries contain some. */
export const rpsl: PrefixFormat = {
  description: "route and route6 objects of a routing registry such as RIPE",
  accept: "text/plain, */*;q=0.5",
  parser: (found, select) =>
    new RpslParser(
      found,
      select.map((name) => name.toUpperCase()),
    ),
};

class RpslParser implements PrefixParser {
  readonly #found: PrefixCollector;
  readonly #origins: readonly string[];
  /** The attributes of the current object that matter, in order. The first one has its class. */
  #object: [name: string, value: string][] = [];
  /** Whether a continuation line belongs to the last of these attributes. */
  #isContinued = false;
  /** Members of as-sets, by name. */
  readonly #sets = new Map<string, string[]>();
  #members = 0;
  /** Prefixes by origin. */
  readonly #routes = new Map<string, string[]>();
  #routeCount = 0;

  constructor(found: PrefixCollector, origins: readonly string[]) {
    this.#found = found;
    this.#origins = origins;
  }

  line(text: string): void {
    if (COMPLAINT.test(text)) throw new SourceError(`the server answers "${excerpt(text)}"`);
    if (text.startsWith("%") || text.startsWith("#")) return;
    if (text.trim() === "") {
      this.#endObject();
      return;
    }
    const bare = text.split("#", 1)[0];
    if (/^[ \t+]/.test(text)) {
      const last = this.#object.at(-1);
      if (this.#isContinued && last !== undefined) last[1] += ` ${bare.slice(1)}`;
      return;
    }
    const [, name, value] = /^([a-z][a-z0-9_-]*):(.*)$/i.exec(bare) ?? [];
    this.#isContinued = name !== undefined && (this.#object.length === 0 || /^(origin|members)$/i.test(name));
    if (this.#isContinued) this.#object.push([name.toLowerCase(), value]);
  }

  end(): void {
    this.#endObject();
    if (this.#origins.length === 0) return;
    for (const origin of this.#expand()) {
      for (const prefix of this.#routes.get(origin) ?? []) this.#found.add(prefix);
    }
  }

  #endObject(): void {
    const [[name, key] = ["", ""], ...attributes] = this.#object;
    this.#object = [];
    this.#isContinued = false;
    if (name === "route" || name === "route6") this.#addRoute(key.trim(), attributes);
    else if (name === "as-set" && this.#origins.length > 0)
      this.#addSet(key.trim().toUpperCase(), attributes);
  }

  #addRoute(prefix: string, attributes: readonly (readonly [string, string])[]): void {
    if (this.#origins.length === 0) {
      this.#found.add(prefix);
      return;
    }
    const [, value = ""] = attributes.find(([name]) => name === "origin") ?? [];
    const origin = canonical(value.trim().toUpperCase());
    if (++this.#routeCount > ROUTES_LIMIT) throw new SourceError(`more than ${ROUTES_LIMIT} route objects`);
    const prefixes = this.#routes.get(origin);
    if (prefixes === undefined) this.#routes.set(origin, [prefix]);
    else prefixes.push(prefix);
  }

  #addSet(set: string, attributes: readonly (readonly [string, string])[]): void {
    const members = attributes
      .filter(([name]) => name === "members")
      .flatMap(([, value]) => value.toUpperCase().split(/[\s,]+/))
      .filter((member) => member !== "")
      .map(canonical);
    this.#members += members.length;
    if (this.#members > MEMBERS_LIMIT) throw new SourceError(`more than ${MEMBERS_LIMIT} members of as-sets`);
    this.#sets.set(set, [...(this.#sets.get(set) ?? []), ...members]);
  }

  /** The AS numbers that the origins mean. As-sets may contain each other. */
  #expand(): Set<string> {
    const seen = new Set(this.#origins.map(canonical));
    const unknown: string[] = [];
    // A set's iterator also visits what is added meanwhile.
    for (const name of seen) {
      if (AS_NUMBER.test(name)) continue;
      const members = this.#sets.get(name);
      if (members === undefined) unknown.push(name);
      for (const member of members ?? []) seen.add(member);
    }
    const missing = this.#origins.find((name) => unknown.includes(name));
    if (missing !== undefined) throw new SourceError(`the as-set ${excerpt(missing)} is not in the text`);
    if (unknown.length > 0)
      this.#found.note(`nested as-sets not in the text: ${unknown.length}, such as ${excerpt(unknown[0])}`);
    return seen;
  }
}

/** AS numbers without leading zeros. */
function canonical(name: string): string {
  const [, digits] = AS_NUMBER.exec(name) ?? [];
  return digits === undefined ? name : `AS${Number(digits)}`;
}
