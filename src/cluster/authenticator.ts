/** How a node proves to a nats-server who it is. */

/** The client library, which is loaded only where it is needed. */
export type Nats = typeof import("@nats-io/transport-node");

/**
 * Makes what the client library signs the server's challenge with.
 * @param credentials the seed of an NKey, or a .creds file, which has a JWT beside the seed.
 */
export function authenticatorFor(nats: Nats, credentials: string): ReturnType<Nats["nkeyAuthenticator"]> {
  const bytes = new TextEncoder().encode(credentials.trim());
  return credentials.includes("BEGIN NATS") ? nats.credsAuthenticator(bytes) : nats.nkeyAuthenticator(bytes);
}
