/** The buffer in which replies are written before the kernel takes them. */
import { REPLY_BYTES } from "../engine.ts";

/** Room for two replies: several small ones can be gathered and the largest still fits. */
const BUFFER_BYTES = 2 * REPLY_BYTES;

/**
 * One buffer for all connections of an engine. Normally the kernel takes a reply at once, and the same bytes are
 * reused. A part that it does not take stays in place until it is sent. The buffer is then used from behind that part,
 * and replaced when it is full. So slow readers share buffers too.
 */
export class Output {
  /** The buffer. */
  bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** Start of the free part. */
  start = 0;

  /** Whether the largest reply fits behind `written` bytes. */
  hasRoomAfter(written: number): boolean {
    return this.bytes.length - this.start - written >= REPLY_BYTES;
  }

  /** The first `length` bytes of the free part, which hold replies. Valid until the next write. */
  view(length: number): Buffer {
    return this.bytes.subarray(this.start, this.start + length);
  }

  /** Reserves the first `length` bytes of the free part: they are still being sent. */
  keep(length: number): void {
    this.start += length;
    if (this.hasRoomAfter(0)) return;
    this.bytes = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.start = 0;
  }
}
