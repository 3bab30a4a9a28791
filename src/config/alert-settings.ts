/** What the alerts need of a configuration. */
import type { LoadedConfig } from "./load.ts";
import type { Config } from "./schema.ts";

const HOST_NAME = /^[\w.-]+$/;

/** The channels. @param hostName the name of this machine, for the sender's address. */
export function alertSettings({ config, mailPassword }: LoadedConfig, hostName: string) {
  const { webhook, mail } = config.alerts;
  const sender = `btrt@${HOST_NAME.test(hostName) ? hostName : "localhost"}`;
  return {
    webhook,
    mail:
      mail.to.length === 0
        ? null
        : {
            to: mail.to,
            from: mail.from ?? sender,
            server: mail.server,
            user: mail.user,
            password: mailPassword,
          },
  };
}

/** The limits of every channel, in milliseconds. */
export function alertTimes({ alerts }: Config) {
  const { after, repeat_interval, max_per_hour } = alerts;
  return { afterMs: 1000 * after, repeatMs: 1000 * repeat_interval, maxPerHour: max_per_hour };
}
