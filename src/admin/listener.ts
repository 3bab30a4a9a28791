/** The admin listener: status, metrics and the page, on the control plane. No request to it can slow an announce. */

import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { compress } from "hono/compress";
import { formatHostPort } from "../model/address-text.ts";
import { API, makeRoutes } from "./api.ts";
import { ApiError } from "./api-error.ts";
import { AdminConnections } from "./connections.ts";
import { Events } from "./events.ts";
import { EXPOSITION_TYPE, formatMetrics, type Metric } from "./exposition.ts";
import { type AdminEnv, type AdminTokens, guard } from "./guard.ts";
import { hideAddresses, hideInStatus } from "./monitoring.ts";
import { describeApi } from "./openapi.ts";
import { PAGE_PATHS, type PageFiles, servePage } from "./page.ts";
import type { Panel } from "./panel.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import { Rates } from "./rates.ts";
import { readTotals } from "./readings.ts";
import type { Sources } from "./sources.ts";
import { readMetrics, readStatus, type Status, trackerPanels } from "./status.ts";

const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};
/** The idle timeout of connections, also while an answer is not read. Events are sent every second. */
const STILL_MS = 30_000;
const CONNECTIONS = { most: 100, reserve: 10 } as const;

/** Token and certificate of the listener. A reload can change all of them. */
interface AdminSecrets {
  /** The token of requests. Null: none; the listener should be reachable only from this machine. */
  readonly token: string | null;
  /** The token of a monitoring system, or null. */
  readonly monitoringToken: string | null;
  /** PEM: certificate and key, or null for plain HTTP. */
  readonly cert: string | null;
  readonly key: string | null;
}

/** The options of the listener. */
export interface AdminOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly secrets: AdminSecrets;
  readonly page: PageFiles;
  /** Called with unexpected errors. */
  readonly failed: (error: unknown) => void;
}

/** The HTTP server on `admin.listen`. */
export class AdminListener {
  readonly #options: AdminOptions;
  readonly #server: ReturnType<typeof createAdaptorServer>;
  readonly #rates: Rates;
  readonly #panels: readonly Panel[];
  readonly #readState: () => Status;
  readonly #process = new ProcessMetrics();
  readonly #events: Events;
  /** The same without addresses. */
  readonly #monitoringEvents: Events;
  readonly #connections: AdminConnections;
  #tokens: AdminTokens;

  /** @param panels the panels of features. */
  constructor(sources: Sources, panels: readonly Panel[], options: AdminOptions) {
    this.#options = options;
    this.#rates = new Rates(() => readTotals(sources));
    this.#panels = [...panels, ...trackerPanels(sources, this.#rates)];
    this.#readState = () => readStatus(this.#panels, readTotals(sources), sources.notices());
    this.#events = new Events(this.#readState);
    this.#monitoringEvents = new Events(() => hideInStatus(this.#readState()));
    const { fetch } = this.#route(sources);
    const { cert, key } = options.secrets;
    this.#tokens = options.secrets;
    this.#server =
      cert === null || key === null
        ? createAdaptorServer({ fetch, createServer, serverOptions: LIMITS })
        : createAdaptorServer({
            fetch,
            createServer: createTlsServer,
            serverOptions: { ...LIMITS, cert, key },
          });
    if ("setTimeout" in this.#server) this.#server.setTimeout(STILL_MS);
    this.#connections = new AdminConnections(this.#server, CONNECTIONS);
  }

  /**
   * Begins to listen.
   * @returns its URL, for people.
   * @throws the system's error.
   */
  async start(): Promise<string> {
    const { host, port } = this.#options.listen;
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    this.#server.on("error", this.#options.failed);
    this.#rates.start();
    const bound = this.#server.address() as AddressInfo;
    const shown = host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
    const scheme = this.#options.secrets.cert === null ? "http" : "https";
    return `${scheme}://${formatHostPort({ host: shown, port: bound.port })}/`;
  }

  /**
   * Adopts another token, certificate and key for new connections. TLS cannot be switched on or off.
   * @throws Error when certificate and key are invalid; the old ones remain.
   */
  adopt({ token, monitoringToken, cert, key }: AdminSecrets): void {
    if (cert !== null && key !== null && "setSecureContext" in this.#server)
      this.#server.setSecureContext({ cert, key });
    this.#tokens = { token, monitoringToken };
  }

  /** The current status. */
  status(): Status {
    return this.#readState();
  }

  /** Stops listening, and closes all connections. */
  async stop(): Promise<void> {
    this.#rates.stop();
    this.#process.stop();
    this.#events.stop();
    this.#monitoringEvents.stop();
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    await closed;
  }

  #limitsHit(): Metric {
    const { displaced, refused } = this.#connections;
    return {
      name: "btrt_admin_connections_closed_total",
      help: "Connections to the admin listener closed at its limit. idle: closed for a new one; new: all others were busy.",
      type: "counter",
      samples: [
        { labels: { which: "idle" }, value: displaced },
        { labels: { which: "new" }, value: refused },
      ],
    };
  }

  #route(sources: Sources): Hono<AdminEnv> {
    const app = new Hono<AdminEnv>();
    const routes = makeRoutes(sources, this.#readState);
    const openPaths = [
      ...routes.filter(({ isForMonitoring }) => isForMonitoring).map(({ path }) => `${API}${path}`),
      ...["/metrics", `${API}/events`, `${API}/openapi.json`, ...PAGE_PATHS],
    ];
    app.use(
      guard(
        () => this.#tokens,
        (path) => openPaths.includes(path),
      ),
    );
    app.get("/healthz", (context) => context.text("ok\n"));
    app.get("/readyz", (context) =>
      sources.ready() ? context.text("ready\n") : context.text("not ready\n", 503),
    );
    app.get("/metrics", (context) => {
      const metrics = readMetrics(this.#panels, readTotals(sources));
      const text = formatMetrics([...metrics, ...this.#process.read(), this.#limitsHit()]);
      const shown = context.get("access") === "full" ? text : hideAddresses(text);
      return context.body(shown, 200, { "Content-Type": EXPOSITION_TYPE });
    });
    app.use(`${API}/hashlist`, compress({ encoding: "gzip" }));
    // What is compressed already, and flushed after every event, it leaves alone.
    app.use(`${API}/gate`, compress({ encoding: "gzip" }));
    for (const { path, body, handle } of routes)
      app.on(body === undefined ? "GET" : "POST", `${API}${path}`, async (context) => {
        const answer = await handle(context.req.query(), context.req.raw, context.get("access"));
        return answer instanceof Response ? answer : context.json(answer);
      });
    const description = describeApi(routes, sources.version);
    app.get(`${API}/openapi.json`, (context) => context.json(description));
    app.get(`${API}/events`, (context) =>
      (context.get("access") === "full" ? this.#events : this.#monitoringEvents).answer(context),
    );
    servePage(app, this.#options.page);
    app.notFound((context) => context.json({ error: "no such page" }, 404));
    app.onError((error, context) => {
      if (error instanceof ApiError) return context.json({ error: error.message }, error.status);
      this.#options.failed(error);
      return context.json({ error: "internal error; the log says more" }, 500);
    });
    return app;
  }
}
