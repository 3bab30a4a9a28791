/**
 * The corpus of hostile datagrams, `corpus/udp/*.txt`, written like that of HTTP (corpus.ts). Its settings are
 * ```
 * from: 192.0.2.1               the sender's address (this one, unless it says another)
 * believed: 192.0.2.0/24        requesters whose address field is believed
 * id: good                      what is sent before the bytes: good, a connection id of the sender's; bad, somebody
 *                               else's; connect, the protocol's number; none. Good, unless it says another
 * expect: announce              the reply: nothing, connect, announce, scrape or error
 * says: info_hash               part of an error
 * seen: port=6881 left=0        words of the request that the tracker saw; without this line it saw none
 * ```
 */
import { readCases, wordsOf } from "./corpus.ts";

const SETTINGS = ["from", "believed", "id", "expect", "says", "seen"];
const IDS = ["good", "bad", "connect", "none"] as const;
const REPLIES = ["nothing", "connect", "announce", "scrape", "error"] as const;

/** One hostile datagram, and the expected result. */
export interface HostileDatagram {
  readonly name: string;
  readonly from: string;
  readonly believed: readonly string[];
  readonly id: (typeof IDS)[number];
  readonly expected: (typeof REPLIES)[number];
  readonly says: string;
  readonly seen: readonly string[];
  /** The bytes after the id, one per character. */
  readonly bytes: string;
}

/** Reads all cases. @throws Error for a file that is not as described above. */
export function readUdpCorpus(): HostileDatagram[] {
  return readCases("udp", SETTINGS).map(({ name, settings, bytes }) => {
    const id = IDS.find((word) => word === (settings.get("id") ?? "good"));
    const expected = REPLIES.find((word) => word === settings.get("expect"));
    if (id === undefined || expected === undefined) throw new Error(`${name}: id or expect is no good`);
    return {
      name,
      from: settings.get("from") ?? "192.0.2.1",
      believed: wordsOf(settings.get("believed")),
      id,
      expected,
      says: settings.get("says") ?? "",
      seen: wordsOf(settings.get("seen")),
      bytes,
    };
  });
}
