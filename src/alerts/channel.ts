/** A way to send alerts. */
import type { AlertMessage } from "./message.ts";

/** A channel. */
export interface AlertChannel {
  readonly name: "webhook" | "mail";
  /** Where alerts go, without secrets: a host, or addresses. */
  readonly target: string;
  /** Sends a message, within {@link SEND_TIMEOUT_MS}. @throws Error with a message for the operator. */
  send(message: AlertMessage): Promise<void>;
}

/** How long an attempt to send may take. */
export const SEND_TIMEOUT_MS = 20_000;

/** The settings of all channels. */
export interface AlertSettings {
  /** An http or https URL, or null. It may contain a secret. */
  readonly webhook: string | null;
  readonly mail: MailSettings | null;
}

/** The settings of mail. */
export interface MailSettings {
  readonly to: readonly string[];
  readonly from: string;
  /** `smtp://host:port`, with STARTTLS if the server offers it, or `smtps://host:port`. */
  readonly server: string;
  readonly user: string | null;
  readonly password: string | null;
}
