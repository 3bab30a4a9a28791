/** IP addresses on the data plane: numbers in network order, IPv4 and IPv6 distinguished, never text. */

/** The address families; the number is used throughout the project. */
export type Family = 4 | 6;

/**
 * A mutable IP address. IPv4 is in `words[0]`; IPv6 in all four, most significant first. A v4-mapped IPv6 address
 * (`::ffff:a.b.c.d`, RFC 4291 2.5.5.2) is always stored as the IPv4 address.
 */
export class Address {
  family: Family = 4;
  readonly words = new Uint32Array(4);

  setIPv4(word: number): void {
    this.family = 4;
    this.words[0] = word;
    this.words[1] = 0;
    this.words[2] = 0;
    this.words[3] = 0;
  }

  /** Sets an IPv6 address; one in `::ffff:0:0/96` becomes IPv4. */
  setIPv6(w0: number, w1: number, w2: number, w3: number): void {
    if (w0 === 0 && w1 === 0 && w2 === 0xffff) {
      this.setIPv4(w3);
      return;
    }
    this.family = 6;
    this.words[0] = w0;
    this.words[1] = w1;
    this.words[2] = w2;
    this.words[3] = w3;
  }

  /** Reads 16 bytes in network order at `offset`. */
  setBytes(bytes: Uint8Array, offset: number): void {
    this.setIPv6(
      readWord(bytes, offset),
      readWord(bytes, offset + 4),
      readWord(bytes, offset + 8),
      readWord(bytes, offset + 12),
    );
  }

  /** Reads 16 bytes in network order from a view. */
  setView(view: DataView): void {
    this.setIPv6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
  }

  /** Writes 16 bytes in network order at `offset`, IPv4 as v4-mapped. */
  writeBytes(bytes: Uint8Array, offset: number): void {
    const { words } = this;
    const mapped = this.family === 4;
    writeWord(bytes, offset, mapped ? 0 : words[0]);
    writeWord(bytes, offset + 4, mapped ? 0 : words[1]);
    writeWord(bytes, offset + 8, mapped ? 0xffff : words[2]);
    writeWord(bytes, offset + 12, mapped ? words[0] : words[3]);
  }

  copyFrom(other: Address): void {
    this.family = other.family;
    // Without a loop, for speed.
    const from = other.words;
    const to = this.words;
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
    to[3] = from[3];
  }

  equals(other: Address): boolean {
    const a = this.words;
    const b = other.words;
    return this.family === other.family && a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
  }
}

/**
 * Mask of the second word of an IPv6 address for its household, which is a /56: providers delegate one to each customer
 * (RFC 6177). This is the only definition of a household.
 */
export const HOUSEHOLD_MASK = 0xffffff00;

/**
 * The household of an address, as a map key: an IPv4 address, or an IPv6 /56. Limits "per address" apply to households,
 * since an IPv6 client can use any number of addresses.
 */
export function householdOf({ family, words }: Address): string {
  return family === 4 ? String(words[0]) : `${words[0]}:${(words[1] & HOUSEHOLD_MASK) >>> 0}`;
}

/** Reads an unsigned 32-bit word in network order. */
export function readWord(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] << 24) | (bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) | bytes[offset + 3]) >>> 0
  );
}

/** Writes a port in network order. */
export function writePort(bytes: Uint8Array, offset: number, port: number): void {
  bytes[offset] = port >>> 8;
  bytes[offset + 1] = port;
}

/** Reads a port in network order. */
export function readPort(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1];
}

/** Writes an unsigned 32-bit word in network order. */
export function writeWord(bytes: Uint8Array, offset: number, word: number): void {
  bytes[offset] = word >>> 24;
  bytes[offset + 1] = word >>> 16;
  bytes[offset + 2] = word >>> 8;
  bytes[offset + 3] = word;
}
