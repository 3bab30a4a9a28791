/** All channels of a configuration. A new kind is a file and a line here. */
import type { AlertChannel, AlertSettings } from "./channel.ts";
import { mailChannel } from "./mail.ts";
import { webhookChannel } from "./webhook.ts";

/** Makes the configured channels. */
export function makeChannels({ webhook, mail }: AlertSettings): AlertChannel[] {
  return [
    ...(webhook === null ? [] : [webhookChannel(webhook)]),
    ...(mail === null ? [] : [mailChannel(mail)]),
  ];
}
