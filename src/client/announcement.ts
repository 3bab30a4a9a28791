/** What is announced to another tracker. */
import type { AnnounceEvent } from "../model/announce.ts";

/** An announce to another tracker. */
export interface Announcement {
  /**
   * `http:`, `https:` or `udp:`, in full. One character is one byte (0x21 to 0xff), and path and query go out as they
   * are, %-escapes untouched. There may be no userinfo and no fragment; the host is an address in its canonical form
   * or a name in ASCII (IDNs as A-labels, RFC 5890), and a udp URL names its port.
   */
  readonly url: string;
  /** What a udp tracker is told; for http the URL says everything. */
  readonly udp?: UdpFields | undefined;
  /** The User-Agent header, of printable ASCII; else it is this program's. */
  readonly userAgent?: string | undefined;
  /** Milliseconds within which everything has to be over, instead of the client's own. */
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
  /** -1: as many as the tracker likes. */
  readonly numWant: number;
  readonly port: number;
  /** The peer's IPv4 address, if it is not the sender's; else 0. */
  readonly ip: number;
}
