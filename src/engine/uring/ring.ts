/**
 * An io_uring (io_uring(7)): entries go in, completions come out, both through memory shared with the kernel.
 *
 * With IORING_SETUP_DEFER_TASKRUN the kernel touches that memory only while this thread is in {@link Ring.enter}, so
 * plain loads and stores are enough.
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

/** What the engine cannot do without. */
const NEEDED_FEATURES = FEATURES.singleMmap | FEATURES.noDrop | FEATURES.extArg | FEATURES.cqeSkip;

/** Sending never waits, and either takes all or says how much it took. */
const SEND_FLAGS = MESSAGE.dontWait | MESSAGE.waitAll | MESSAGE.noSignal;

/** Nothing has come; completions have to be read first; memory is short for the moment. */
const PASSING: readonly number[] = [ERROR.interrupted, ERROR.timedOut, ERROR.busy, ERROR.again];

/** How often what the kernel did not take is tried again: only when its memory is short does it not take all. */
const MOST_ATTEMPTS = 1000;

/** Of the ring of an engine: entries, and completions that may wait, within what the kernel allows. */
const ENTRIES = 1024;
const COMPLETIONS = { least: 4096, most: 65_536 } as const;

/** Offsets in the scratch memory for arguments of system calls. */
const SCRATCH = {
  bytes: 4096,
  getEvents: 0,
  timespec: 64,
  registration: 128,
  parameters: 256,
  probe: 512,
} as const;

/**
 * A ring of one thread.
 * `owner` and `purpose` are two numbers of the caller's that come back with the completion (purpose.ts).
 *
 * An operation in flight owns its descriptor: the ring closes none that has any. Every operation here is carried out by
 * this thread when it is submitted, or waits for the file, which it then holds. None may be added that the kernel leaves
 * to a thread of its own, such as shutdown: that looks the descriptor up when its turn comes.
 */
export class Ring {
  /** The ring's own, for who has to close it when this thread cannot. */
  readonly fd: number;
  readonly completions: Completions;
  /** Where the completions are, for who reads those that this thread does not come to. */
  readonly memory: Mapping;
  readonly completionOffsets: CompletionOffsets;
  readonly #scratch = Memory.allocate(SCRATCH.bytes);
  readonly #argument: Pointer;
  readonly #rings: Memory;
  readonly #entries: Memory;
  readonly #sqMask: number;
  readonly #sqTail: number;
  readonly #inUse = new DescriptorsInUse();
  /** Descriptors that are closed as soon as nothing is in flight on them. */
  readonly #retired = new Set<number>();
  /** The descriptors of replies that are sent when the ring is entered, and how many they are. */
  readonly #sending: Int32Array;
  #sends = 0;
  /** Entries not yet submitted, and the position behind the last. */
  #pending = 0;
  #tail = 0;

  /** A ring for so many connections: each may have two completions that wait. @throws SystemError */
  static forConnections(connections: number): Ring {
    const wanted = 2 ** Math.ceil(Math.log2(2 * connections));
    return new Ring(ENTRIES, Math.min(Math.max(wanted, COMPLETIONS.least), COMPLETIONS.most));
  }

  /**
   * @param entries how many can be submitted at once, a power of two.
   * @param completions how many can wait to be read, a power of two; what exceeds it waits in the kernel.
   * @throws SystemError when the kernel has no such ring; {@link SystemError.code} tells why.
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
    // Entries are taken in their order.
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
   * Whether an operation is in flight on a descriptor: its last completion has not been taken, or it sends and the ring
   * has not been entered since.
   */
  isInUse(fd: number): boolean {
    return this.#inUse.has(fd);
  }

  /** Whether nothing at all is in flight. */
  get isIdle(): boolean {
    return this.#inUse.total === 0;
  }

  /** Takes the completion at an index of {@link completions}. Every one is to be taken, once. */
  taken(at: number): void {
    const fd = this.completions.descriptor(at);
    if (fd === 0 || (this.completions.flags(at) & CQE_FLAG.more) !== 0) return;
    this.#inUse.end(fd);
    if (this.#retired.size > 0) this.#closeRetired(fd);
  }

  /** Room for entries before the next {@link enter}. */
  get room(): number {
    return this.#sqMask + 1 - this.#pending;
  }

  /** The kernel's pick for {@link recv}: a ring of buffers. @throws SystemError */
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

  /** Whether the kernel knows all operations that are used here. @throws SystemError */
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

  /** Accepts connections, one completion each with its descriptor, until one comes without `more`. */
  accept(fd: number, goesOn: boolean, owner: number, purpose: number): void {
    const how = goesOn ? ACCEPT_MULTISHOT : 0;
    const at = this.#nextInUse(OPCODE.accept | (how << 16), fd, owner, purpose);
    this.#entries.words[at + (SQE.operationFlags >> 2)] = SOCKET.closeOnExec;
  }

  /** Receives what there is into a buffer of the group, which the completion names. @param how flags of {@link RECV}. */
  recv(fd: number, group: number, how: number, owner: number, purpose: number): void {
    const at = this.#nextInUse(OPCODE.recv | (SQE_FLAG.bufferSelect << 8) | (how << 16), fd, owner, purpose);
    this.#entries.words[at + (SQE.bufferGroup >> 2)] = group;
  }

  /**
   * Sends without waiting, and so has done so when {@link enter} returns. A completion comes only when not all was
   * taken: the result is what was, or an error.
   */
  send(fd: number, memory: Memory, offset: number, length: number, owner: number, purpose: number): void {
    this.#send(SQE_FLAG.skipSuccess, SEND_FLAGS, fd, memory, offset, length, owner, purpose);
  }

  /**
   * Sends as {@link send} does, and closes the descriptor if all was taken. If not, the completion that says so says as
   * well that the descriptor is open: the kernel does not report what is linked to an operation that is not to be reported.
   */
  sendLast(fd: number, memory: Memory, offset: number, length: number, owner: number, purpose: number): void {
    this.#checkUnused(fd);
    // The kernel forgets a link to what is submitted later, and would close the descriptor whatever was taken.
    if (this.room < 2) throw new Error("no room for a reply and the end of its connection");
    // The end of the connection goes with the last bytes: one packet less.
    const flags = SQE_FLAG.skipSuccess | SQE_FLAG.link;
    this.#send(flags, SEND_FLAGS | MESSAGE.more, fd, memory, offset, length, owner, purpose);
    this.#close(fd);
  }

  /** Waits for events of poll(2), once. */
  poll(fd: number, events: number, owner: number, purpose: number): void {
    const at = this.#nextInUse(OPCODE.pollAdd, fd, owner, purpose);
    this.#entries.words[at + (SQE.operationFlags >> 2)] = events;
  }

  /** close(2). What is in flight on the descriptor must have come to its end: {@link cancel} it before. */
  closeDescriptor(fd: number): void {
    this.#checkUnused(fd);
    this.#close(fd);
  }

  /** Cancels what is in flight on a descriptor, and closes it when all of that has come to its end. */
  retire(fd: number): void {
    if (this.isInUse(fd)) this.cancel(fd, 0, 0);
    this.#retired.add(fd);
    this.#closeRetired(fd);
  }

  /** Cancels all that is in flight on a descriptor. */
  cancel(fd: number, owner: number, purpose: number): void {
    const at = this.#nextInUse(OPCODE.asyncCancel, fd, owner, purpose);
    this.#entries.words[at + (SQE.operationFlags >> 2)] = CANCEL.all | CANCEL.byDescriptor;
  }

  /**
   * Cancels what is in flight on a descriptor for an owner and a purpose. When that is nothing, a completion of 0 and 0
   * says so.
   */
  cancelOperation(fd: number, owner: number, purpose: number): void {
    const at = this.#next(OPCODE.asyncCancel | (SQE_FLAG.skipSuccess << 8), -1, 0, 0);
    this.#entries.words[at + (SQE.address >> 2)] = owner;
    this.#entries.words[at + (SQE.address >> 2) + 1] = tag(purpose, fd);
  }

  /**
   * Submits all entries, and waits for completions.
   * @param least how many to wait for; with 0 only what is there is taken.
   * @param timeoutMs the longest it waits: never without end, for a thread that does cannot be ended.
   * @throws SystemError when the kernel refuses the ring as such.
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

  /** Ends the ring and all that is under way in it. */
  close(): void {
    close(this.fd);
    this.#rings.unmap();
    this.#entries.unmap();
    this.#scratch.unmap();
  }

  #checkUnused(fd: number): void {
    if (this.isInUse(fd)) throw new Error("a descriptor that is in use is not closed");
  }

  #close(fd: number): void {
    this.#next(OPCODE.close | (SQE_FLAG.skipSuccess << 8), fd, 0, 0);
  }

  #closeRetired(fd: number): void {
    if (!this.isInUse(fd) && this.#retired.delete(fd)) close(fd);
  }

  #send(
    flags: number,
    messageFlags: number,
    fd: number,
    memory: Memory,
    offset: number,
    length: number,
    owner: number,
    purpose: number,
  ): void {
    this.#inUse.begin(fd);
    this.#sending[this.#sends++] = fd;
    const at = this.#next(OPCODE.send | (flags << 8), fd, owner, purpose);
    const { words } = this.#entries;
    words[at + (SQE.address >> 2)] = memory.lowAddress(offset);
    words[at + (SQE.address >> 2) + 1] = memory.highAddress(offset);
    words[at + (SQE.length >> 2)] = length;
    words[at + (SQE.operationFlags >> 2)] = messageFlags;
  }

  /** Makes an entry for an operation that is in flight until its last completion is {@link taken}. */
  #nextInUse(head: number, fd: number, owner: number, purpose: number): number {
    this.#inUse.begin(fd);
    return this.#next(head, fd, owner, tag(purpose, fd));
  }

  /** Makes an entry for what has been done when {@link enter} returns. */
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
