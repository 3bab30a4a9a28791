/** Explains to the operator why the tracker could not start. */
import { ListenError } from "../data-plane/worker-handle.ts";
import { EngineUnavailableError } from "../engine/choice.ts";
import { describeFailure, type Failure } from "../platform/failure.ts";
import { explainAddressInUse } from "../platform/port-owner.ts";
import { DatabaseError } from "../storage/database.ts";
import { InheritedSocketError } from "../systemd/inherited-sockets.ts";
import { NotifierError } from "../systemd/notifier.ts";

/** Certificate and key of the admin listener are invalid. */
export class AdminError extends Error {}

/** The admin listener cannot listen. `code` is the system's, such as EADDRINUSE. */
export class AdminListenError extends Error {
  readonly code: string;

  constructor(error: unknown) {
    const { code, message } = describeFailure(error);
    super(message);
    this.code = code;
  }
}

/** The memory for the swarms cannot be reserved. */
export class MemoryError extends Error {}

/** @returns a line for the operator, or undefined if the error is a bug. */
export function explainStartFailure(error: unknown): string | undefined {
  if (error instanceof EngineUnavailableError) return `engine: ${error.message}`;
  if (error instanceof DatabaseError) return `database: ${error.message}`;
  if (error instanceof InheritedSocketError) return `listen: ${error.message}`;
  if (error instanceof ListenError) return `listen: ${explainListenError(error)}`;
  if (error instanceof AdminListenError) return `admin.listen: ${explainListenError(error)}`;
  if (error instanceof AdminError) return `admin: ${error.message}`;
  if (error instanceof MemoryError) return `tracker.max_peers: cannot reserve the memory: ${error.message}`;
  if (error instanceof NotifierError) return error.message;
  return undefined;
}

function explainListenError({ code, message }: Failure): string {
  switch (code) {
    case "EADDRINUSE":
      return explainAddressInUse(addressIn(message));
    case "EACCES":
      return `${message}: no permission; choose a port above 1023, or allow it (CAP_NET_BIND_SERVICE)`;
    case "EADDRNOTAVAIL":
      return `${message}: this machine does not have that address`;
    default:
      return message;
  }
}

/** The address in a message such as `listen EADDRINUSE: address already in use :::80`. */
function addressIn(message: string): string {
  const [, host = "", port = ""] = /(\S*):(\d+)\D*$/.exec(message) ?? [];
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}
