/** Functions for ASCII in bytes, without strings. Constants are created once. */

/** The bytes of an ASCII text. It allocates: for constants only. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Writes a short constant at `offset`: up to about 30 bytes this loop is faster than `set`. @returns its end. */
export function writeBytes(bytes: Uint8Array, offset: number, constant: Uint8Array): number {
  const { length } = constant;
  for (let i = 0; i < length; i++) bytes[offset + i] = constant[i];
  return offset + length;
}

/** Whether `[start, end)` equals `expected`. */
export function equalsBytes(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  const { length } = expected;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== expected[i]) return false;
  return true;
}

/**
 * Whether `[start, end)`, which has no control characters, equals `expected` ignoring case.
 * @param expected lower-case letters and hyphens.
 */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: Uint8Array,
): boolean {
  const { length } = expected;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if ((bytes[start + i] | 0x20) !== expected[i]) return false;
  return true;
}

const TOKEN = new Uint8Array(256);
for (const byte of ascii("!#$%&'*+-.^_`|~")) TOKEN[byte] = 1;
for (let byte = 0x30; byte <= 0x39; byte++) TOKEN[byte] = 1;
for (let byte = 0x41; byte <= 0x5a; byte++) {
  TOKEN[byte] = 1;
  TOKEN[byte | 0x20] = 1;
}

/** Whether a byte is allowed in a token, such as a method or header name (RFC 9110 5.6.2). */
export function isToken(byte: number): boolean {
  return TOKEN[byte] === 1;
}

/** Whether a byte is neither white space nor a control character. Bytes beyond ASCII count as visible. */
export function isVisible(byte: number): boolean {
  return byte > 0x20 && byte !== 0x7f;
}

/** Whether a byte is a space or a tab (RFC 9110 5.6.3). */
export function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** The start of `[start, end)` without leading blanks. */
export function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && isBlank(bytes[i])) i++;
  return i;
}

/** The end of `[start, end)` without trailing blanks. */
export function trimBlanks(bytes: Uint8Array, start: number, end: number): number {
  let i = end;
  while (i > start && isBlank(bytes[i - 1])) i--;
  return i;
}

const HEX = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  HEX["0123456789abcdef".charCodeAt(digit)] = digit;
  HEX["0123456789ABCDEF".charCodeAt(digit)] = digit;
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  return HEX[byte];
}
