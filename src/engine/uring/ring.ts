/**
 * An io_uring (io_uring(7)): a submission and a completion queue in memory shared with the kernel.
 *
 * With IORING_SETUP_DEFER_TASKRUN the kernel touches that memory only while this thread is in {@link Ring.enter}, so
 * plain loads and stores are sufficient.
 */

import { type CompletionOffsets, Completions, tag } from "./completions.ts";
import { DescriptorsInUse } from "./descriptors-in-use.ts";
import {
  ACCEPT_MULTISHOT,
  BUFFER_REGISTRATION,
  CANCEL,
  CQE,
  CQE_FLAG,
  ENTER,
  ERROR,
  FEATURES,
  GETEVENTS,
  MESSAGE,
  OPCODE,
  PARAMS,
  PROBE,
  REGISTER,
  RING_OFFSET,
  SETUP,
  SOCKET,
  SQE,
  SQE_FLAG,
  TIMESPEC,
} from "./layouts.ts";
import {
  close,
  errno,
  ioUringEnter,
  ioUringRegister,
  ioUringSetup,
  type Pointer,
  SystemError,
  systemError,
} from "./libc.ts";
import { Memory } from "./memory.ts";
import type { Mapping } from "./resources.ts";

/** Kernel features that the engine requires. */
const NEEDED_FEATURES = FEATURES.singleMmap | FEATURES.noDrop | FEATURES.extArg | FEATURES.cqeSkip;

/** Sends do not block. They take all bytes or report how many they took. */
const SEND_FLAGS = MESSAGE.dontWait | MESSAGE.waitAll | MESSAGE.noSignal;

/** Transient errors: interrupted or timed out, completions must be read first, or memory is short. */
const PASSING: readonly number[] = [ERROR.interrupted, ERROR.timedOut, ERROR.busy, ERROR.again];

/** Retries of entries that the kernel did not take. It takes all, unless its memory is short. */
const MOST_ATTEMPTS = 1000;

/** Sizes of an engine's queues: submission entries, and completions within the kernel's limits. */
const ENTRIES = 1024;
const COMPLETIONS = { least: 4096, most: 65_536 } as const;

/** Offsets in the scratch memory for system call arguments. */
const SCRATCH = {
  bytes: 4096,
  getEvents: 0,
  timespec: 64,
  registration: 128,
  parameters: 256,
  probe: 512,
} as const;

/** A send, passed as an object that the caller reuses: one for each reply would be garbage. */
export interface SendOperation {
  fd: number;
  /** The bytes are `[offset, offset + length)` of this memory. */
  memory: Memory;
  offset: number;
  length: number;
  /** See {@link Ring}. */
  owner: number;
  purpose: number;
}

/**
 * The ring of one thread. `owner` and `purpose` are two numbers that come back with the completion (purpose.ts).
 *
 * An operation in flight keeps its descriptor in use, and the ring closes no descriptor in use. Every operation here
 * either runs when it is submitted, or waits on the file, of which it holds a reference. Operations that the kernel
 * runs on worker threads, such as shutdown, must not be added: they look up the descriptor when they start, and it may
 * belong to another connection by then.
 */
export class Ring {
  /** The ring's descriptor, recorded so that it can be reclaimed. */
  readonly fd: number;
  readonly completions: Completions;
  /** Location of the completions, recorded so that unread ones can be reclaimed. */
  readonly memory: Mapping;
  readonly completionOffsets: CompletionOffsets;
  readonly #scratch = Memory.allocate(SCRATCH.bytes);
  readonly #argument: Pointer;
  readonly #rings: Memory;
  readonly #entries: Memory;
  readonly #sqMask: number;
  readonly #sqTail: number;
  readonly #inUse = new DescriptorsInUse();
  /** Descriptors to be closed as soon as no operation is in flight on them. */
  readonly #retired = new Set<number>();
  /** Descriptors of the sends that the next {@link enter} submits, and their number. */
  readonly #sending: Int32Array;
  #sends = 0;
  /** Entries not yet submitted, and the position behind the last. */
  #pending = 0;
  #tail = 0;

  /** A ring for this many connections, each with up to two unread completions. @throws SystemError */
  static forConnections(connections: number): Ring {
    const wanted = 2 ** Math.ceil(Math.log2(2 * connections));
    return new Ring(ENTRIES, Math.min(Math.max(wanted, COMPLETIONS.least), COMPLETIONS.most));
  }

  /**
   * @param entries that can be submitted at once, a power of two.
   * @param completions that can be unread, a power of two; further ones wait in the kernel.
   * @throws SystemError if the kernel refuses; {@link SystemError.code} says why.
   */
  constructor(entries: number, completions: number) {
    const { words } = this.#scratch;
    const at = SCRATCH.parameters >> 2;
    words[at + (PARAMS.cqEntries >> 2)] = completions;
    words[at + (PARAMS.flags >> 2)] = SETUP.cqSize | SETUP.singleIssuer | SETUP.deferTaskRun;
    this.fd = ioUringSetup(entries, this.#scratch.pointerTo(SCRATCH.parameters));
    if (this.fd < 0) throw systemError("io_uring_setup");
    const parameter = (offset: number) => words[at + (offset >> 2)];
    if ((parameter(PARAMS.features) & NEEDED_FEATURES) !== NEEDED_FEATURES) {
      close(this.fd);
      throw new SystemError(ERROR.invalid, "io_uring lacks features");
    }
    const array = parameter(PARAMS.sqArray);
    const cqes = parameter(PARAMS.cqes);
    const sqEntries = parameter(PARAMS.sqEntries);
    const length = Math.max(array + sqEntries * 4, cqes + parameter(PARAMS.cqEntries) * CQE.bytes);
    this.#rings = Memory.map(this.fd, length, RING_OFFSET.rings);
    this.#entries = Memory.map(this.fd, sqEntries * SQE.bytes, RING_OFFSET.entries);
    const ring = this.#rings.words;
    // Entries are submitted in order.
    for (let i = 0; i < sqEntries; i++) ring[(array >> 2) + i] = i;
    this.#sending = new Int32Array(sqEntries);
    this.#sqTail = parameter(PARAMS.sqTail) >> 2;
    this.#sqMask = ring[parameter(PARAMS.sqMask) >> 2];
    this.memory = this.#rings;
    this.completionOffsets = {
      head: parameter(PARAMS.cqHead),
      tail: parameter(PARAMS.cqTail),
      mask: parameter(PARAMS.cqMask),
      cqes,
    };
    this.completions = new Completions(ring.buffer, this.completionOffsets);
    this.#scratch.writePointer(
      (SCRATCH.getEvents + GETEVENTS.timespec) >> 2,
      this.#scratch,
      SCRATCH.timespec,
    );
    this.#argument = this.#scratch.pointerTo(SCRATCH.getEvents);
  }

  /**
   * Whether an operation is in flight on a descriptor: its last completion has not been taken, or it is a send and the
   * ring has not been entered since.
   */
  isInUse(fd: number): boolean {
    return this.#inUse.has(fd);
  }

  /** Whether no operation is in flight. */
  get isIdle(): boolean {
    return this.#inUse.total === 0;
  }

  /** Takes the completion at an index of {@link completions}. Each must be taken exactly once. */
  taken(at: number): void {
    const fd = this.completions.descriptor(at);
    if (fd === 0 || (this.completions.flags(at) & CQE_FLAG.more) !== 0) return;
    this.#inUse.end(fd);
    if (this.#retired.size > 0) this.#closeRetired(fd);
  }

  /** Free entries before the next {@link enter}. */
  get room(): number {
    return this.#sqMask + 1 - this.#pending;
  }

  /** Registers a ring of buffers, from which {@link recv} selects. @throws SystemError */
  registerBuffers(buffers: Memory, entries: number, group: number): void {
    const { words, halves } = this.#scratch;
    const at = SCRATCH.registration;
    this.#scratch.writePointer((at + BUFFER_REGISTRATION.address) >> 2, buffers, 0);
    words[(at + BUFFER_REGISTRATION.entries) >> 2] = entries;
    halves[(at + BUFFER_REGISTRATION.group) >> 1] = group;
    if (ioUringRegister(this.fd, REGISTER.bufferRing, this.#scratch.pointerTo(at), 1) < 0) {
      throw systemError("io_uring_register of buffers");
    }
  }

  /** Whether the kernel supports all operations that are used here. @throws SystemError */
  knowsOperations(): boolean {
    const { bytes } = this.#scratch;
    const last = Math.max(...Object.values(OPCODE));
    if (ioUringRegister(this.fd, REGISTER.probe, this.#scratch.pointerTo(SCRATCH.probe), last + 1) < 0) {
      throw systemError("io_uring_register of a probe");
    }
    return Object.values(OPCODE).every((opcode) => {
      const at = SCRATCH.probe + PROBE.headBytes + opcode * PROBE.operationBytes;
      return (bytes[at + PROBE.operationFlags] & PROBE.supported) !== 0;
    });
  }

  /**
   * Accepts connections, one completion with a descriptor each. @param multishot whether to repeat until a completion
   * comes without `more`.
   */
  accept(fd: number, multishot: boolean, owner: number, purpose: number): void {
    const how = multishot ? ACCEPT_MULTISHOT : 0;
    const at = this.#nextInUse(OPCODE.accept | (how << 16), fd, owner, purpose);
    this.#entries.words[at + (SQE.operationFlags >> 2)] = SOCKET.closeOnExec;
  }

  /** Receives into a buffer of the group; the completion has its number. @param how flags of {@link RECV}. */
  recv(fd: number, group: number, how: number, owner: number, purpose: number): void {
    const at = this.#nextInUse(OPCODE.recv | (SQE_FLAG.bufferSelect << 8) | (how << 16), fd, owner, purpose);
    this.#entries.words[at + (SQE.bufferGroup >> 2)] = group;
  }

  /**
   * Sends without blocking: it is done when {@link enter} returns. A completion comes only if not all was taken; its
   * result is the number of bytes taken, or a negated error number.
   */
  send(operation: SendOperation): void {
    this.#send(operation, SQE_FLAG.skipSuccess, SEND_FLAGS);
  }

  /**
   * Sends like {@link send}, and closes the descriptor if all was taken. If not, the completion also means that the
   * descriptor is still open: the kernel does not report the cancelled close.
   */
  sendAndClose(operation: SendOperation): void {
    const { fd } = operation;
    this.#checkUnused(fd);
    // The kernel drops a link across two submissions, and would then always close the descriptor.
    if (this.room < 2) throw new Error("no room for a reply and the close of its connection");
    // MSG_MORE: the FIN travels with the last bytes, which saves a packet.
    const flags = SQE_FLAG.skipSuccess | SQE_FLAG.link;
    this.#send(operation, flags, SEND_FLAGS | MESSAGE.more);
    this.#close(fd);
  }

  /** Waits once for events of poll(2). */
  poll(fd: number, events: number, owner: number, purpose: number): void {
    const at = this.#nextInUse(OPCODE.pollAdd, fd, owner, purpose);
    this.#entries.words[at + (SQE.operationFlags >> 2)] = events;
  }

  /** close(2). No operation may be in flight on the descriptor: {@link cancel} them first. */
  closeDescriptor(fd: number): void {
    this.#checkUnused(fd);
    this.#close(fd);
  }

  /** Cancels all operations on a descriptor, and closes it when they have ended. */
  retire(fd: number): void {
    if (this.isInUse(fd)) this.cancel(fd, 0, 0);
    this.#retired.add(fd);
    this.#closeRetired(fd);
  }

  /** Cancels all operations on a descriptor. */
  cancel(fd: number, owner: number, purpose: number): void {
    const at = this.#nextInUse(OPCODE.asyncCancel, fd, owner, purpose);
    this.#entries.words[at + (SQE.operationFlags >> 2)] = CANCEL.all | CANCEL.byDescriptor;
  }

  /**
   * Cancels an owner's operation with this purpose. If there is none, a completion with owner 0 and purpose 0 comes.
   */
  cancelOperation(fd: number, owner: number, purpose: number): void {
    const at = this.#next(OPCODE.asyncCancel | (SQE_FLAG.skipSuccess << 8), -1, 0, 0);
    this.#entries.words[at + (SQE.address >> 2)] = owner;
    this.#entries.words[at + (SQE.address >> 2) + 1] = tag(purpose, fd);
  }

  /**
   * Submits all entries, and waits for completions.
   * @param least completions to wait for; 0 does not wait.
   * @param timeoutMs limit of the wait. It must be finite, as a thread cannot be terminated while it blocks.
   * @throws SystemError if the kernel refuses the ring as such.
   */
  enter(least: number, timeoutMs: number): void {
    const { words } = this.#scratch;
    const seconds = Math.floor(timeoutMs / 1000);
    words[(SCRATCH.timespec + TIMESPEC.seconds) >> 2] = seconds;
    words[(SCRATCH.timespec + TIMESPEC.nanoseconds) >> 2] = (timeoutMs - seconds * 1000) * 1_000_000;
    this.#rings.words[this.#sqTail] = this.#tail;
    this.#submit(least);
    for (let attempt = 0; this.#pending > 0; attempt++) {
      if (attempt === MOST_ATTEMPTS) throw new SystemError(ERROR.again, "io_uring_enter");
      this.#submit(0);
    }
    for (let i = 0; i < this.#sends; i++) this.#inUse.end(this.#sending[i]);
    this.#sends = 0;
  }

  #submit(least: number): void {
    const flags = ENTER.getEvents | ENTER.extArg;
    const submitted = ioUringEnter(this.fd, this.#pending, least, flags, this.#argument, GETEVENTS.bytes);
    if (submitted >= 0) this.#pending -= submitted;
    else this.#checkError(errno());
  }

  #checkError(error: number): void {
    if (!PASSING.includes(error)) throw new SystemError(error, "io_uring_enter");
  }

  /** Closes the ring and ends its operations. */
  close(): void {
    close(this.fd);
    this.#rings.unmap();
    this.#entries.unmap();
    this.#scratch.unmap();
  }

  #checkUnused(fd: number): void {
    if (this.isInUse(fd)) throw new Error("cannot close a descriptor that is in use");
  }

  #close(fd: number): void {
    this.#next(OPCODE.close | (SQE_FLAG.skipSuccess << 8), fd, 0, 0);
  }

  #closeRetired(fd: number): void {
    if (!this.isInUse(fd) && this.#retired.delete(fd)) close(fd);
  }

  #send(operation: SendOperation, flags: number, messageFlags: number): void {
    const { fd, memory, offset, length, owner, purpose } = operation;
    this.#inUse.begin(fd);
    this.#sending[this.#sends++] = fd;
    const at = this.#next(OPCODE.send | (flags << 8), fd, owner, purpose);
    const { words } = this.#entries;
    words[at + (SQE.address >> 2)] = memory.lowAddress(offset);
    words[at + (SQE.address >> 2) + 1] = memory.highAddress(offset);
    words[at + (SQE.length >> 2)] = length;
    words[at + (SQE.operationFlags >> 2)] = messageFlags;
  }

  /** Adds an entry for an operation that is in flight until its last completion is {@link taken}. */
  #nextInUse(head: number, fd: number, owner: number, purpose: number): number {
    this.#inUse.begin(fd);
    return this.#next(head, fd, owner, tag(purpose, fd));
  }

  /** Adds an entry for an operation that is done when {@link enter} returns. */
  #next(head: number, fd: number, owner: number, purpose: number): number {
    if (this.room === 0) throw new Error("no room in the ring");
    const { words } = this.#entries;
    const at = (this.#tail & this.#sqMask) * (SQE.bytes >> 2);
    for (let i = 0; i < SQE.bytes >> 2; i++) words[at + i] = 0;
    words[at + (SQE.opcode >> 2)] = head;
    words[at + (SQE.fd >> 2)] = fd;
    words[at + (SQE.userData >> 2)] = owner;
    words[at + (SQE.userData >> 2) + 1] = purpose;
    this.#tail = (this.#tail + 1) >>> 0;
    this.#pending++;
    return at;
  }
}
