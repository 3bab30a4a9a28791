/** Buffers for the start of a request that arrives in pieces. */
import { INPUT_BYTES } from "./engine.ts";

/** Smallest buffer for the start of a request; larger ones are powers of two. */
const SMALLEST_INPUT_BYTES = 512;

/** Size of the buffer for `length` bytes of input. */
function capacityFor(length: number): number {
  let capacity = SMALLEST_INPUT_BYTES;
  while (capacity < length) capacity *= 2;
  // A single request is never longer than INPUT_BYTES; several pipelined ones may be.
  return length <= INPUT_BYTES ? Math.min(capacity, INPUT_BYTES) : capacity;
}

/** Copies `bytes[start, end)` to a new buffer with room to append. */
export function keepInput(bytes: Uint8Array, start: number, end: number): Buffer {
  const kept = Buffer.allocUnsafeSlow(capacityFor(end - start));
  kept.set(bytes.subarray(start, end));
  return kept;
}

/**
 * Appends `bytes[start, end)` to the first `length` bytes of a buffer.
 * @returns the buffer that holds both: the same one if it is large enough.
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
