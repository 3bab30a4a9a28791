/** Parses and formats decimal numbers in bytes. */

const ZERO = 0x30;
const BILLION = 1_000_000_000;

/**
 * Parses `[start, end)` as a number.
 * @param max up to 2^53 - 1.
 * @returns the number, or -1 if it is empty, has a non-digit, or exceeds `max`.
 */
export function readDecimal(bytes: Uint8Array, start: number, end: number, max: number): number {
  if (start >= end) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return value;
}

/**
 * Writes an integer from 0 to 2^53 at `offset`.
 * @returns its end.
 */
export function writeDecimal(bytes: Uint8Array, offset: number, value: number): number {
  if (value < BILLION) return writeDigits(bytes, offset, value, decimalDigits(value));
  const high = Math.floor(value / BILLION);
  return writeDigits(bytes, writeDecimal(bytes, offset, high), value - high * BILLION, 9);
}

/** The number of digits of an integer from 0 to 10^9 - 1. */
export function decimalDigits(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}

function writeDigits(bytes: Uint8Array, offset: number, value: number, digits: number): number {
  let rest = value | 0;
  for (let i = offset + digits - 1; i >= offset; i--) {
    const quotient = (rest / 10) | 0;
    bytes[i] = ZERO + rest - quotient * 10;
    rest = quotient;
  }
  return offset + digits;
}
