/** Payloads that a router tells apart: handshakes, uTP, and what looks like them. */
import { randomBytes } from "node:crypto";

/** Types of uTP packets (BEP 29). */
export const UTP = { data: 0, state: 2, syn: 4 } as const;

/** A handshake (BEP 3). */
export function handshake(infoHash: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from("\x13BitTorrent protocol", "latin1"),
    Buffer.alloc(8),
    infoHash,
    randomBytes(20),
  ]);
}

/** A uTP packet (BEP 29). @param extension of this many bytes, if any. */
export function utp(type: number, payload: Uint8Array, extension = 0): Buffer {
  const header = Buffer.alloc(20);
  header[0] = (type << 4) | 1;
  const extensions = extension === 0 ? [] : [Buffer.from([0, extension]), Buffer.alloc(extension)];
  if (extension > 0) header[1] = extension === 4 ? 1 : 2;
  return Buffer.concat([header, ...extensions, payload]);
}
