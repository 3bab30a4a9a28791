/** Collects the prefixes of an unchecked text. */
import { comparePrefixes, formatPrefix, type Prefix, parsePrefix } from "../network/prefix.ts";
import { SourceError } from "./source-error.ts";

/**
 * The shortest lengths that a source may contain. No registry allocates wider prefixes, so a wider one is a default route,
 * a mistake or an attack: it would make the whole internet a peer group.
 */
const SHORTEST = { 4: 8, 6: 16 } as const;

/** fc00::/7, the private addresses of IPv6 (RFC 4193). It may be wider. */
const PRIVATE_BITS = 7;
const PRIVATE = 0xfc00_0000 >>> (32 - PRIVATE_BITS);

/** The prefixes of a source. */
export interface PrefixListing {
  /** In ascending order, without duplicates; at least one. */
  readonly prefixes: readonly Prefix[];
  /** What was left out, for the operator. */
  readonly notes: readonly string[];
}

/** The prefixes found so far. */
export class PrefixCollector {
  readonly #limit: number;
  /** By their text. */
  readonly #prefixes = new Map<string, Prefix>();
  readonly #notes: string[] = [];
  #invalid = 0;
  #wide = 0;

  /** @param limit of different prefixes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Adds a prefix. An invalid one is counted, and left out.
   * @returns the mistake, or undefined.
   * @throws SourceError at the limit.
   */
  add(text: string): string | undefined {
    let prefix: Prefix;
    try {
      prefix = parsePrefix(text).prefix;
    } catch (error) {
      this.#invalid++;
      return error instanceof Error ? error.message : String(error);
    }
    if (isTooWide(prefix)) this.#wide++;
    else this.#prefixes.set(formatPrefix(prefix), prefix);
    if (this.#prefixes.size > this.#limit)
      throw new SourceError(`more prefixes than max_prefixes, ${this.#limit}`);
    return undefined;
  }

  /** Adds a note for the operator. */
  note(text: string): void {
    this.#notes.push(text);
  }

  /** @throws SourceError if there are no prefixes. */
  finish(): PrefixListing {
    const notes = [...this.#notes];
    if (this.#invalid > 0) notes.push(`invalid prefixes left out: ${this.#invalid}`);
    if (this.#wide > 0) notes.push(`prefixes wider than /8 (IPv6: /16) left out: ${this.#wide}`);
    if (this.#prefixes.size === 0) throw new SourceError(["no prefixes", ...notes].join("; "));
    return { prefixes: [...this.#prefixes.values()].sort(comparePrefixes), notes };
  }
}

function isTooWide({ family, length, words }: Prefix): boolean {
  if (length >= SHORTEST[family]) return false;
  return family === 4 || length < PRIVATE_BITS || words[0] >>> (32 - PRIVATE_BITS) !== PRIVATE;
}
