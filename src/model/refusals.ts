/** Reasons for refusing requests, for all protocols: they are counted and shown to the operator. */
import { CLIENT_ERROR, CLIENT_ERRORS } from "./client-error.ts";
import { HTTP_ERROR, HTTP_ERRORS, type HttpErrorCode } from "./http-error.ts";

/** A reason: its name in metrics, and its text for people. */
export interface RefusalReason {
  readonly name: string;
  readonly text: string;
}

/** Reasons that are not sent to clients: indices of {@link REFUSAL_REASONS}. */
export const REFUSAL = { datagram: 0, proxyHeader: CLIENT_ERRORS.length + HTTP_ERRORS.length - 1 } as const;

/** All reasons. The index of those in client-error.ts is their code. */
export const REFUSAL_REASONS: readonly RefusalReason[] = [
  { name: "datagram", text: "a datagram that is not a valid request (BEP 15)" },
  ...Object.entries(CLIENT_ERROR).map(([name, code]) => ({
    name: snakeCase(name),
    text: CLIENT_ERRORS[code].reason,
  })),
  ...Object.entries(HTTP_ERROR).map(([name, code]) => ({
    name: `http_${snakeCase(name)}`,
    text: HTTP_ERRORS[code].text,
  })),
  { name: "proxy_header", text: "a PROXY header that is malformed, or from an untrusted sender" },
];

/** The index of an HTTP error. */
export function httpRefusalOf(error: HttpErrorCode): number {
  return CLIENT_ERRORS.length - 1 + error;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
