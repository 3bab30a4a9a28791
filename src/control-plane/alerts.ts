/** Alerts, wired to configuration, status and log. */
import { hostname } from "node:os";
import type { Panel } from "../admin/panel.ts";
import { alertsPanel } from "../admin/panels/alerts-panel.ts";
import { Alerter } from "../alerts/alerter.ts";
import { makeChannels } from "../alerts/channels.ts";
import { alertSettings, alertTimes } from "../config/alert-settings.ts";
import type { LoadedConfig } from "../config/load.ts";
import { VERSION } from "../platform/version.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Component } from "./lifecycle.ts";

const CHECK_MS = 5000;

/** Checks the warnings periodically while the tracker runs. */
export class Alerts implements Component {
  /** What is shown of the channels. */
  readonly panel: Panel;
  readonly #warnings: () => readonly string[];
  readonly #alerter: Alerter;
  #timer: NodeJS.Timeout | undefined;

  /** @param warnings returns the warnings that the status page shows. */
  constructor(loaded: LoadedConfig, warnings: () => readonly string[], log: Logger) {
    this.#warnings = warnings;
    this.#alerter = new Alerter(
      { hostName: hostname(), version: VERSION },
      {
        sent: (channel, { raised, cleared }) => log.info({ channel, raised, cleared }, "an alert was sent"),
        failed: (channel, reason) =>
          log.error({ channel, reason }, "an alert cannot be sent: it is tried again until it can"),
      },
    );
    this.adopt(loaded);
    this.panel = alertsPanel(() => this.#alerter.channels);
  }

  start(): void {
    this.#timer = setInterval(
      () => void this.#alerter.check(this.#warnings(), performance.now()),
      CHECK_MS,
    ).unref();
  }

  /** Follows changed channels and limits. */
  adopt(loaded: LoadedConfig): void {
    this.#alerter.adopt(makeChannels(alertSettings(loaded, hostname())), alertTimes(loaded.config));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
