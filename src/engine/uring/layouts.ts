/**
 * The kernel's structures, by offset in bytes, and its constants, as far as the engine uses them. They are the same on
 * every 64-bit little-endian Linux. The sources are files of Linux 6.1, in include/uapi/linux/ unless stated otherwise.
 */

/** struct io_uring_params, io_uring.h. */
export const PARAMS = {
  sqEntries: 0,
  cqEntries: 4,
  flags: 8,
  features: 20,
  /** struct io_sqring_offsets. */
  sqTail: 44,
  sqMask: 48,
  sqArray: 64,
  /** struct io_cqring_offsets. */
  cqHead: 80,
  cqTail: 84,
  cqMask: 88,
  cqes: 100,
} as const;

/** Flags of io_uring_setup(2), IORING_SETUP_*. */
export const SETUP = {
  /** The length of the completion queue is given. */
  cqSize: 1 << 3,
  /** Only the thread that created the ring submits. */
  singleIssuer: 1 << 12,
  /** Completions are posted only while that thread waits for them. */
  deferTaskRun: 1 << 13,
} as const;

/** Features that the kernel must have, IORING_FEAT_*. */
export const FEATURES = {
  singleMmap: 1 << 0,
  noDrop: 1 << 1,
  extArg: 1 << 8,
  cqeSkip: 1 << 11,
} as const;

/** Where the rings are mapped from, IORING_OFF_*. */
export const RING_OFFSET = { rings: 0, entries: 0x10000000 } as const;

/** Flags of io_uring_enter(2), IORING_ENTER_*. */
export const ENTER = { getEvents: 1 << 0, extArg: 1 << 3 } as const;

/** Operations of io_uring_register(2), IORING_REGISTER_*. */
export const REGISTER = { probe: 8, bufferRing: 22 } as const;

/** struct io_uring_sqe, io_uring.h. The meaning of a field depends on the operation. */
export const SQE = {
  bytes: 64,
  /** u8 opcode, u8 flags, u16 ioprio: one word. */
  opcode: 0,
  fd: 4,
  address: 16,
  length: 24,
  operationFlags: 28,
  /** Two words of user data: the owner in the lower, purpose and descriptor in the upper. */
  userData: 32,
  bufferGroup: 40,
} as const;

/** Flags of an entry, IOSQE_*: in the second byte of its first word. */
export const SQE_FLAG = {
  /** The next entry waits for this one, and is cancelled if it fails. */
  link: 1 << 2,
  /** The kernel selects a buffer. */
  bufferSelect: 1 << 5,
  /** Success is not reported. */
  skipSuccess: 1 << 6,
} as const;

/** Operations, enum io_uring_op. */
export const OPCODE = {
  pollAdd: 6,
  accept: 13,
  asyncCancel: 14,
  close: 19,
  send: 26,
  recv: 27,
} as const;

/** Flags of accept, in ioprio. */
export const ACCEPT_MULTISHOT = 1 << 0;

/** Flags of recv, in ioprio: IORING_RECVSEND_POLL_FIRST, IORING_RECV_MULTISHOT. */
export const RECV = {
  /** Poll first: nothing has arrived yet. */
  pollFirst: 1 << 0,
  /** Repeat until a completion comes without `more`. */
  multishot: 1 << 1,
} as const;

/** Flags of asyncCancel, IORING_ASYNC_CANCEL_*. */
export const CANCEL = { all: 1 << 0, byDescriptor: 1 << 1 } as const;

/** struct io_uring_cqe, io_uring.h. */
export const CQE = { bytes: 16, userData: 0, result: 8, flags: 12 } as const;

/** Flags of a completion, IORING_CQE_F_*. The number of a selected buffer is in the upper half. */
export const CQE_FLAG = { buffer: 1 << 0, more: 1 << 1 } as const;

/** struct io_uring_buf_reg, io_uring.h. */
export const BUFFER_REGISTRATION = { address: 0, entries: 8, group: 12 } as const;

/** struct io_uring_buf, io_uring.h. The tail of the ring is in the last two bytes of the first entry. */
export const BUFFER = { bytes: 16, address: 0, length: 8, id: 12, tail: 14 } as const;

/** struct io_uring_getevents_arg, io_uring.h. */
export const GETEVENTS = { bytes: 24, timespec: 16 } as const;

/** struct __kernel_timespec, time_types.h. */
export const TIMESPEC = { seconds: 0, nanoseconds: 8 } as const;

/** struct io_uring_probe and io_uring_probe_op, io_uring.h. */
export const PROBE = {
  headBytes: 16,
  operationBytes: 8,
  operationFlags: 2,
  supported: 1,
} as const;

/** struct sockaddr_in, in.h, and sockaddr_in6, in6.h. Port and addresses are in network order. */
export const SOCKADDR = {
  bytes4: 16,
  bytes6: 28,
  family: 0,
  port: 2,
  address4: 4,
  address6: 8,
  scope6: 24,
} as const;

/** struct mmsghdr, include/linux/socket.h, which starts with a struct user_msghdr. */
export const MMSGHDR = {
  bytes: 64,
  name: 0,
  nameLength: 8,
  vector: 16,
  vectorLength: 24,
  control: 32,
  controlLength: 40,
  length: 56,
} as const;

/** struct cmsghdr, include/linux/socket.h, and its data. */
export const CMSG = { length: 0, level: 8, type: 12, data: 16 } as const;

/**
 * struct in_pktinfo, in.h, and in6_pktinfo, ipv6.h: the destination of a datagram, or the source of a reply. Both sizes
 * are those of the whole control message; `stride` is the size of the longer one with padding.
 */
export const PACKET_INFO = {
  bytes4: 28,
  interface4: 0,
  bytes6: 36,
  address6: 0,
  interface6: 16,
  stride: 40,
} as const;

/** struct iovec, uio.h. */
export const IOVEC = { bytes: 16, address: 0, length: 8 } as const;

/** Constants of sockets, include/linux/socket.h, asm-generic/socket.h, tcp.h, in.h, in6.h. */
export const SOCKET = {
  familyUnix: 1,
  familyIPv4: 2,
  familyIPv6: 10,
  stream: 1,
  datagram: 2,
  closeOnExec: 0x80000,
  levelSocket: 1,
  reuseAddress: 2,
  type: 3,
  sendBuffer: 7,
  receiveBuffer: 8,
  linger: 13,
  reusePort: 15,
  acceptsConnections: 30,
  levelTcp: 6,
  tcpNoDelay: 1,
  tcpDeferAccept: 9,
  tcpQuickAck: 12,
  levelIPv4: 0,
  packetInfo4: 8,
  levelIPv6: 41,
  ipv6Only: 26,
  receivePacketInfo6: 49,
  packetInfo6: 50,
} as const;

/** Flags of messages, include/linux/socket.h. */
export const MESSAGE = { dontWait: 0x40, waitAll: 0x100, noSignal: 0x4000, more: 0x8000 } as const;

/** fcntl(2): commands, and the flag O_NONBLOCK. include/uapi/asm-generic/fcntl.h. */
export const FCNTL = { getFlags: 3, setFlags: 4, duplicateCloseOnExec: 1030, nonBlocking: 0x800 } as const;

/** Events of poll(2). `exclusive`: only one of several waiters is woken (EPOLLEXCLUSIVE). */
export const POLL = { readable: 1, writable: 4, exclusive: 1 << 28 } as const;

/** The directions that shutdown(2) ends. */
export const SHUTDOWN = { write: 1, both: 2 } as const;

/** eventfd(2): close-on-exec and non-blocking. */
export const EVENTFD_FLAGS = 0x80000 | 0x800;

/** Error numbers that the engine distinguishes, asm-generic/errno-base.h and errno.h. */
export const ERROR = {
  interrupted: 4,
  again: 11,
  busy: 16,
  invalid: 22,
  timedOut: 62,
  noBufferSpace: 105,
  cancelled: 125,
} as const;
