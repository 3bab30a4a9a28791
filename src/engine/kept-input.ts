/** Room for the start of a request that comes in pieces. */
import { INPUT_BYTES } from "./engine.ts";

/** Smallest buffer for the start of a request; larger ones are powers of two. */
const SMALLEST_INPUT_BYTES = 512;

/** How large a buffer for `length` bytes of input is made. */
function capacityFor(length: number): number {
  let capacity = SMALLEST_INPUT_BYTES;
  while (capacity < length) capacity *= 2;
  // A request is never longer; several together may be.
  return length <= INPUT_BYTES ? Math.min(capacity, INPUT_BYTES) : capacity;
}

/** A buffer that begins with `bytes[start, end)` and has some room to append. */
export function keepInput(bytes: Uint8Array, start: number, end: number): Buffer {
  const kept = Buffer.allocUnsafeSlow(capacityFor(end - start));
  kept.set(bytes.subarray(start, end));
  return kept;
}

/**
 * Appends `bytes[start, end)` to the first `length` bytes of what was kept.
 * @returns the buffer that holds both: the same one, if there is room.
 */
export function appendInput(
  kept: Buffer,
  length: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Buffer {
  const needed = length + end - start;
  const buffer = needed <= kept.length ? kept : Buffer.allocUnsafeSlow(capacityFor(needed));
  if (buffer !== kept) kept.copy(buffer, 0, 0, length);
  buffer.set(bytes.subarray(start, end), length);
  return buffer;
}
