/** Which names of servers are ours, and what is to become of announces for others. */
import { ascii } from "./ascii.ts";
import { hostEnd } from "./tracker-url.ts";

/** What becomes of an announce for an external tracker; see `forwarded_announce.trackers`. */
export const MODE = { replace: 0, observe: 1, ignore: 2 } as const;
export type Mode = (typeof MODE)[keyof typeof MODE];

/** As it travels. Names are in lower case and without a port; IPv6 addresses in brackets. */
export interface HostRulesData {
  readonly ours: readonly string[];
  /** Names, `*.` and a domain, or `*`, with what becomes of their announces. */
  readonly modes: readonly (readonly [pattern: string, mode: Mode])[];
}

const DOT = 0x2e;

/** What a mode is for: a name, or all that end in `name`. */
interface Rule {
  readonly name: Uint8Array;
  readonly isSuffix: boolean;
  readonly mode: Mode;
}

/** Answers for one host at a time, without making strings. */
export class HostRules {
  readonly #ours: readonly Uint8Array[];
  /** The more exact first. */
  readonly #rules: readonly Rule[];

  constructor({ ours, modes }: HostRulesData) {
    this.#ours = ours.map(ascii);
    this.#rules = modes
      .map(([pattern, mode]) => ruleOf(pattern.toLowerCase(), mode))
      .sort((a, b) => Number(a.isSuffix) - Number(b.isSuffix) || b.name.length - a.name.length);
  }

  /** Whether an authority (host and port) is this tracker. */
  isOurs(bytes: Uint8Array, start: number, end: number): boolean {
    const stop = nameEnd(bytes, start, end);
    for (let i = 0; i < this.#ours.length; i++) {
      const name = this.#ours[i];
      if (stop - start === name.length && endsIn(bytes, start, stop, name)) return true;
    }
    return false;
  }

  /** What becomes of announces for an authority. */
  modeOf(bytes: Uint8Array, start: number, end: number): Mode {
    const stop = nameEnd(bytes, start, end);
    for (let i = 0; i < this.#rules.length; i++) {
      const { name, isSuffix, mode } = this.#rules[i];
      if (endsIn(bytes, start, stop, name) && (isSuffix || stop - start === name.length)) return mode;
    }
    return MODE.replace;
  }
}

/** `*.example.org` is whatever ends in `.example.org`, `*` everything. */
function ruleOf(pattern: string, mode: Mode): Rule {
  const isSuffix = pattern.startsWith("*");
  return { name: ascii(isSuffix ? pattern.slice(1) : pattern), isSuffix, mode };
}

/** Where the host's name ends. A dot at its very end (RFC 1034 3.1) makes no other host of it. */
function nameEnd(bytes: Uint8Array, start: number, end: number): number {
  const stop = hostEnd(bytes, start, end);
  return stop > start && bytes[stop - 1] === DOT ? stop - 1 : stop;
}

/** Whether a host ends in `name`, in any case. */
function endsIn(bytes: Uint8Array, start: number, stop: number, name: Uint8Array): boolean {
  const first = stop - name.length;
  if (first < start) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[first + i];
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name[i]) return false;
  }
  return true;
}
