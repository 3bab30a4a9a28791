/** The ports on which a worker under test crashes (dying-worker.ts). */
export const DEADLY_PORT = { exception: 666, exit: 667, unlocked: 668 } as const;

/** An announce with this port hangs the worker forever. */
export const STUCK_PORT = 669;
