/** Rules by host name: which hosts are this tracker, and how announces for others are handled. */
import { ascii } from "./ascii.ts";
import { hostEnd } from "./tracker-url.ts";

/** How an announce for an upstream tracker is handled; see `forwarded_announce.trackers`. */
export const MODE = { replace: 0, observe: 1, ignore: 2 } as const;
export type Mode = (typeof MODE)[keyof typeof MODE];

/** The rules as sent to workers. Names are in lower case, without port; IPv6 addresses in brackets. */
export interface HostRulesData {
  readonly ours: readonly string[];
  /** Handling by pattern: a name, `*.` and a domain, or `*`. */
  readonly modes: readonly (readonly [pattern: string, mode: Mode])[];
}

const DOT = 0x2e;

/** The mode of one name, or of all names that end in `name`. */
interface Rule {
  readonly name: Uint8Array;
  readonly isSuffix: boolean;
  readonly mode: Mode;
}

/** Matches hosts without creating strings. */
export class HostRules {
  readonly #ours: readonly Uint8Array[];
  /** Most specific first. */
  readonly #rules: readonly Rule[];

  constructor({ ours, modes }: HostRulesData) {
    this.#ours = ours.map(ascii);
    this.#rules = modes
      .map(([pattern, mode]) => ruleOf(pattern.toLowerCase(), mode))
      .sort((a, b) => Number(a.isSuffix) - Number(b.isSuffix) || b.name.length - a.name.length);
  }

  /** Whether an authority (host and port) is this tracker's. */
  isOurs(bytes: Uint8Array, start: number, end: number): boolean {
    const stop = nameEnd(bytes, start, end);
    for (let i = 0; i < this.#ours.length; i++) {
      const name = this.#ours[i];
      if (stop - start === name.length && endsIn(bytes, start, stop, name)) return true;
    }
    return false;
  }

  /** The handling of announces for an authority. */
  modeOf(bytes: Uint8Array, start: number, end: number): Mode {
    const stop = nameEnd(bytes, start, end);
    for (let i = 0; i < this.#rules.length; i++) {
      const { name, isSuffix, mode } = this.#rules[i];
      if (endsIn(bytes, start, stop, name) && (isSuffix || stop - start === name.length)) return mode;
    }
    return MODE.replace;
  }
}

/** `*.example.org` matches names that end in `.example.org`, `*` matches all. */
function ruleOf(pattern: string, mode: Mode): Rule {
  const isSuffix = pattern.startsWith("*");
  return { name: ascii(isSuffix ? pattern.slice(1) : pattern), isSuffix, mode };
}

/** End of the host name. A trailing dot (RFC 1034 3.1) is ignored. */
function nameEnd(bytes: Uint8Array, start: number, end: number): number {
  const stop = hostEnd(bytes, start, end);
  return stop > start && bytes[stop - 1] === DOT ? stop - 1 : stop;
}

/** Whether a host ends in `name`, ignoring case. */
function endsIn(bytes: Uint8Array, start: number, stop: number, name: Uint8Array): boolean {
  const first = stop - name.length;
  if (first < start) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[first + i];
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name[i]) return false;
  }
  return true;
}
