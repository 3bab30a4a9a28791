/** What an operation on the ring was for, as it comes back with its completion; all are less than 16. */
export const PURPOSE = {
  /** Nothing that anybody waits for. */
  none: 0,
  /** A listener has a connection. The owner is the listener's descriptor; that of all others a connection. */
  accepted: 1,
  received: 2,
  /** A reply was not sent whole. */
  unsent: 3,
  /** There may be room for the rest of one. */
  writable: 4,
  /** Datagrams have come. The owner is the socket's number. */
  datagrams: 5,
  /** Somebody woke the engine. */
  woken: 6,
  /** What was in flight on a connection has been cancelled, or was over. */
  cancelled: 7,
} as const;
