/** How a worker under test dies, by the port that is announced to it (dying-worker.ts). */
export const DEADLY_PORT = { exception: 666, exit: 667, unlocked: 668 } as const;

/** The port of an announce that a worker under test never comes back from. */
export const STUCK_PORT = 669;
