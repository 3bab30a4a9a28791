/** Where replies are written before they are handed to the kernel. */
import { REPLY_BYTES } from "../engine.ts";

/** Room for two replies, so that several can be gathered and there is still room for the largest. */
const BUFFER_BYTES = 2 * REPLY_BYTES;

/**
 * One buffer for all connections of an engine. As long as the kernel takes what is written at once, which is the
 * rule, the same bytes are used over and over. What it does not take stays where it is until it is sent: the buffer
 * is used from behind it on, and replaced once it has no room left. Slow readers thus share buffers too.
 */
export class Output {
  /** The replies. */
  bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** Where free room starts. */
  start = 0;

  /** Whether the largest reply fits behind `written` bytes. */
  hasRoomAfter(written: number): boolean {
    return this.bytes.length - this.start - written >= REPLY_BYTES;
  }

  /** The first `length` bytes of free room, which hold replies now. Valid until something else is written there. */
  view(length: number): Buffer {
    return this.bytes.subarray(this.start, this.start + length);
  }

  /** Keeps the first `length` bytes of free room untouched from now on: they are still being sent. */
  keep(length: number): void {
    this.start += length;
    if (this.hasRoomAfter(0)) return;
    this.bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.start = 0;
  }
}
