/** Purposes of ring operations, returned with their completions. All are less than 16. */
export const PURPOSE = {
  /** The completion needs no handling. */
  none: 0,
  /**
   * A listener has accepted a connection. The owner is the listener's descriptor; in all others the connection's
   * number.
   */
  accepted: 1,
  received: 2,
  /** A reply was not sent completely. */
  unsent: 3,
  /** The socket may have send buffer space again. */
  writable: 4,
  /** Datagrams have arrived. The owner is the socket's number. */
  datagrams: 5,
  /** The engine was woken through its eventfd. */
  woken: 6,
  /** The operations in flight on a connection were cancelled, or had ended. */
  cancelled: 7,
} as const;
