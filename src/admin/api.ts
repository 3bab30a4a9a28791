/** The JSON interface: a table of routes with their queries and answers. The OpenAPI description uses the same table. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { gateReportSchema } from "../gate/report.ts";
import { ApiError } from "./api-error.ts";
import { AnswerExplainer, explainQuerySchema, explanationSchema } from "./explain.ts";
import { answerGate, GATE_TYPES, gateQuerySchema, receiveReport } from "./gate.ts";
import type { AdminEnv } from "./guard.ts";
import { answerHashList, HASH_LIST_TYPES, hashListQuerySchema } from "./hash-list.ts";
import { historyQuerySchema, historySchema, readHistory } from "./history.ts";
import { hideInStatus } from "./monitoring.ts";
import { REPORT_TYPES, Reporter, reportQuerySchema } from "./report/answer-report.ts";
import { reportSchema } from "./report/report.ts";
import type { Sources } from "./sources.ts";
import { type Status, statusSchema } from "./status.ts";
import { readSwarms, swarmsSchema } from "./swarms.ts";

/** The path of the interface. */
export const API = "/api/v1";

/** How often a locked swarm is tried again for an explanation, and the milliseconds before each try: half a second in all. */
const BUSY_RETRIES = 20;
const BUSY_WAIT_MS = 20;

/** A route below {@link API}. */
export interface Route {
  readonly path: string;
  readonly summary: string;
  readonly query: z.ZodObject | undefined;
  /** The schema of a JSON answer, or the media types of another answer. */
  readonly answer: z.ZodObject | readonly string[];
  /** The media types of other forms of a JSON answer. */
  readonly alsoAs?: readonly string[];
  /** Whether the monitoring token opens it: nothing in its answer may be an address or a torrent. */
  readonly isForMonitoring?: true;
  /** Returns the content of a JSON answer, or a response. @throws ApiError */
  readonly handle: (
    query: Readonly<Record<string, string>>,
    request: Request,
    access: AdminEnv["Variables"]["access"],
  ) => unknown;
  /** The schema of the body of a POST request; a GET request has none. */
  readonly body?: z.ZodObject;
}

/** All routes of one tracker. @param readState returns the status, see {@link statusSchema}. */
export function makeRoutes(sources: Sources, readState: () => Status): Route[] {
  const explainer = new AnswerExplainer(sources);
  const reporter = new Reporter(sources);
  return [
    {
      path: "/status",
      summary: "The status of the tracker",
      query: undefined,
      answer: statusSchema,
      isForMonitoring: true,
      handle: (_, __, access) => (access === "full" ? readState() : hideInStatus(readState())),
    },
    {
      path: "/swarms",
      summary: "Swarms by size, the largest swarms, and peer groups, as of the last sweep",
      query: undefined,
      answer: swarmsSchema,
      handle: () => readSwarms(sources),
    },
    {
      path: "/explain",
      summary: "The answer that an address would get now, with reasons; read-only",
      query: explainQuerySchema,
      answer: explanationSchema,
      handle: async (query) => {
        const question = parse(explainQuerySchema, query);
        let explanation = explainer.explain(question);
        for (let retries = BUSY_RETRIES; explanation === "busy" && retries > 0; retries--) {
          await delay(BUSY_WAIT_MS);
          explanation = explainer.explain(question);
        }
        if (explanation === "busy") throw new ApiError(503, "the swarm is locked: try again");
        if (explanation === undefined) throw new ApiError(404, "no such swarm");
        return explanation;
      },
    },
    {
      path: "/hashlist",
      summary: "The current hash list: torrents fully available inside the network",
      query: hashListQuerySchema,
      answer: HASH_LIST_TYPES,
      handle: (query, request) => answerHashList(sources, parse(hashListQuerySchema, query), request),
    },
    ...gateRoutes(sources),
    {
      path: "/history",
      summary: "The history of peer groups by five minutes, hour or day, from the database",
      query: historyQuerySchema,
      answer: historySchema,
      isForMonitoring: true,
      handle: async (query) => {
        const history = await readHistory(sources, parse(historyQuerySchema, query));
        if (history === undefined) throw new ApiError(503, "the database is unavailable");
        return history;
      },
    },
    {
      path: "/report",
      summary: "The report of a month: external traffic avoided, by month, day and peer group, and its worth",
      query: reportQuerySchema,
      answer: reportSchema,
      alsoAs: REPORT_TYPES,
      isForMonitoring: true,
      handle: (query) => reporter.answer(parse(reportQuerySchema, query)),
    },
  ];
}

function gateRoutes(sources: Sources): Route[] {
  return [
    {
      path: "/gate",
      summary: "The lists of the gate: as they are, or as server-sent events with what changes",
      query: gateQuerySchema,
      answer: GATE_TYPES,
      handle: (query, request) => answerGate(sources, parse(gateQuerySchema, query), request),
    },
    {
      path: "/gate/report",
      summary: "What a router that follows the gate has counted",
      query: undefined,
      answer: z.object({}),
      body: gateReportSchema,
      handle: async (_, request) => receiveReport(sources, parse(gateReportSchema, await readJson(request))),
    },
  ];
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw new ApiError(400, "the body is no JSON");
  }
}

function parse<Schema extends z.ZodObject>(schema: Schema, query: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(query);
  if (error === undefined) return data;
  throw new ApiError(
    400,
    error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
  );
}
