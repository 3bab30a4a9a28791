/**
 * Recognizes announces for upstream trackers that were forwarded to this one. The forms are:
 *
 *     GET /forwarded_announce?url=<the original URL, %-escaped>     rewritten by a middlebox
 *     GET /forwarded_announce/<original path>?<original query>      with the original Host, from a proxy
 *     GET http://tracker.example/<path>?<query>                     a request to a proxy (RFC 9112 3.2.2)
 *     GET /<path>?<query>                                           with the original Host: redirected by the network
 */
import { ascii, equalsBytes } from "./ascii.ts";
import type { HostRules } from "./host-rules.ts";
import { type HttpRequest, REQUEST_LINE_LIMIT } from "./http-request.ts";
import { QueryWalk } from "./query.ts";
import { SCHEME, TrackerUrl } from "./tracker-url.ts";

/** The classification of a request. */
export const FORM = {
  /** An announce to this tracker. */
  ordinary: 0,
  /** An announce to an upstream tracker. */
  forwarded: 1,
  /** An announce with an invalid upstream URL. */
  malformed: 2,
} as const;
export type Form = (typeof FORM)[keyof typeof FORM];

const PATH = ascii("/forwarded_announce");
const SLASH = 0x2f;
const URL_KEY = ascii("url");
const IP_KEY = ascii("ip");

/** Classifies requests, one at a time. */
export class ForwardedAnnounce {
  /** The classification of the last request. */
  form: Form = FORM.ordinary;
  /** The upstream tracker's URL. Its bytes are the request's, or the decoded `url` parameter. */
  readonly url = new TrackerUrl();
  /** Location of the forwarder's own `ip=`, beside `url=`; `[0, 0)` if there is none. */
  ipStart = 0;
  ipEnd = 0;
  readonly #walk = new QueryWalk();
  readonly #decoded = new Uint8Array(REQUEST_LINE_LIMIT);

  /** Classifies a request from a trusted forwarder. @param bytes the input that `request` was parsed from. */
  read(bytes: Uint8Array, request: HttpRequest, hosts: HostRules): Form {
    this.form = this.#find(bytes, request, hosts);
    return this.form;
  }

  #find(bytes: Uint8Array, request: HttpRequest, hosts: HostRules): Form {
    const { pathStart, pathEnd, hostStart, hostEnd, queryStart, queryEnd } = request;
    const prefixEnd = pathStart + PATH.length;
    this.ipStart = 0;
    this.ipEnd = 0;
    if (prefixEnd <= pathEnd && equalsBytes(bytes, pathStart, prefixEnd, PATH)) {
      if (prefixEnd === pathEnd) return this.#readUrl(bytes, queryStart, queryEnd);
      if (bytes[prefixEnd] === SLASH) return this.#put(bytes, request, prefixEnd);
    }
    if (hostStart === hostEnd || hosts.isOurs(bytes, hostStart, hostEnd)) return FORM.ordinary;
    return this.#put(bytes, request, pathStart);
  }

  #put(bytes: Uint8Array, request: HttpRequest, pathStart: number): Form {
    const { isHttps, hostStart, hostEnd, queryEnd } = request;
    const scheme = isHttps ? SCHEME.https : SCHEME.http;
    const isOne = this.url.set(bytes, scheme, hostStart, hostEnd, pathStart, queryEnd);
    return isOne ? FORM.forwarded : FORM.malformed;
  }

  #readUrl(bytes: Uint8Array, start: number, end: number): Form {
    const walk = this.#walk;
    let length = -1;
    walk.open(start, end);
    while (walk.next(bytes)) {
      const { keyStart, keyEnd, valueStart } = walk;
      if (equalsBytes(bytes, keyStart, keyEnd, URL_KEY)) {
        // With two of them the URL would be ambiguous.
        if (length >= 0) return FORM.malformed;
        length = walk.decodeValue(bytes, this.#decoded);
      } else {
        const valueEnd = walk.skipValue(bytes);
        if (!equalsBytes(bytes, keyStart, keyEnd, IP_KEY)) continue;
        this.ipStart = valueStart;
        this.ipEnd = valueEnd;
      }
    }
    return length > 0 && this.url.parse(this.#decoded, 0, length) ? FORM.forwarded : FORM.malformed;
  }
}
