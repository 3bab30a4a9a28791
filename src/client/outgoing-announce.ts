/** The input of an announce to another tracker. */
import type { AnnounceEvent } from "../model/announce.ts";

/** An announce to another tracker. */
export interface OutgoingAnnounce {
  /**
   * An `http:`, `https:` or `udp:` URL. One character is one byte (0x21 to 0xff); path and query are sent unchanged,
   * with their %-escapes. Userinfo and fragment are not allowed. The host is an address in canonical form, or an ASCII
   * name (IDNs as A-labels, RFC 5890). A udp URL needs a port.
   */
  readonly url: string;
  /** The fields of a UDP announce. For HTTP, all of them are in the URL. */
  readonly udp?: UdpFields | undefined;
  /** The User-Agent header, printable ASCII. Default: this program's. */
  readonly userAgent?: string | undefined;
  /** Timeout of the whole announce in milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
}

/** The fields of an announce over UDP (BEP 15). */
export interface UdpFields {
  /** 20 bytes each. */
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  /** Bytes, 0 to 2^53. */
  readonly downloaded: number;
  readonly left: number;
  readonly uploaded: number;
  readonly event: AnnounceEvent;
  /** 32 bits. */
  readonly key: number;
  /** -1: the tracker's default. */
  readonly numWant: number;
  readonly port: number;
  /** The peer's IPv4 address if it differs from the sender's, else 0. */
  readonly ip: number;
}
