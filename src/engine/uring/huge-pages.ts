/**
 * Huge pages for memory that is read at random (transparent huge pages, madvise(2)). The processor finds a page of 2 MB with
 * fewer steps than one of 4 KB, and most of its searches in memory are such steps.
 */
import { addressOf, madvise } from "./libc.ts";

const HUGE_PAGE = 2n ** 21n;

/** MADV_HUGEPAGE, include/uapi/asm-generic/mman-common.h. */
const ADVICE_HUGE_PAGE = 14;

/**
 * Asks the kernel to use huge pages for an array in shared memory, where it is not touched yet. A kernel that has none
 * refuses, which changes nothing.
 */
export function adviseHugePages({ buffer }: Uint32Array<SharedArrayBuffer>): void {
  const at = addressOf(buffer);
  const first = roundUp(at);
  const end = at + BigInt(buffer.byteLength);
  if (first < end) madvise(first, Number(end - first), ADVICE_HUGE_PAGE);
}

function roundUp(address: bigint): bigint {
  return ((address + HUGE_PAGE - 1n) / HUGE_PAGE) * HUGE_PAGE;
}
