/** Alerts as JSON to a URL. */
import { type AlertChannel, SEND_TIMEOUT_MS } from "./channel.ts";
import type { AlertMessage } from "./message.ts";

/** Bytes of a reply that are read, so that its connection can be closed in order. */
const REPLY_BYTES = 65_536;

/**
 * Sends each message with POST. `text` is what Slack, Mattermost and others show; the other fields are for programs.
 * Redirects are not followed: the reply must be 2xx.
 */
export function webhookChannel(url: string): AlertChannel {
  return {
    name: "webhook",
    target: new URL(url).host,
    send: async ({ origin, time, subject, text, alert }: AlertMessage) => {
      const body = JSON.stringify({
        text: `${subject}\n${text}`,
        host: origin.hostName,
        version: origin.version,
        time,
        ...alert,
      });
      const { request } = await import("undici");
      const { statusCode, body: reply } = await request(url, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": `btrt/${origin.version}` },
        body,
        signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
      });
      await reply.dump({ limit: REPLY_BYTES });
      if (statusCode < 200 || statusCode > 299)
        throw new Error(`the webhook replied with HTTP ${statusCode}`);
    },
  };
}
