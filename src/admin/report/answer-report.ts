/** Serves the report of a month as JSON, CSV or HTML. */
import { hostname } from "node:os";
import { z } from "zod";
import { ApiError } from "../api-error.ts";
import { formatCsv } from "./csv.ts";
import { REPORT_FORMATS } from "./formats.ts";
import { formatHtml } from "./html.ts";
import { MONTH, monthOf } from "./months.ts";
import type { Report } from "./report.ts";
import { type ReportSources, ReportUnavailable, readReport } from "./report-reader.ts";

/** The media types of a report that is not JSON. */
export const REPORT_TYPES = ["text/html", "text/csv"] as const;

/** The query of `/api/v1/report`. */
export const reportQuerySchema = z.object({
  month: z
    .string()
    .regex(MONTH, "must be a month such as 2026-11")
    .optional()
    .describe("The month, in UTC; the current one by default."),
  format: z.enum(REPORT_FORMATS).default("json").describe("The format of the report."),
});

/** The page of a report has its style in itself, and nothing else. */
const HTML_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Makes reports, one at a time: each reads many rows of the database. */
export class Reporter {
  readonly #sources: ReportSources;
  #running: { readonly month: string; readonly report: Promise<Report> } | undefined;

  constructor(sources: ReportSources) {
    this.#sources = sources;
  }

  /** @throws ApiError */
  async answer({ month, format }: z.output<typeof reportQuerySchema>): Promise<Report | Response> {
    const thisMonth = monthOf(this.#sources.counted().now);
    if (month !== undefined && month > thisMonth) throw new ApiError(400, `month: ${month} is in the future`);
    const report = await this.#read(month ?? thisMonth);
    if (format === "json") return report;
    const headers = {
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
      "Content-Disposition": `${format === "csv" ? "attachment" : "inline"}; filename="btrt-report-${report.month}.${format}"`,
    };
    return format === "csv"
      ? new Response(formatCsv(report), {
          headers: { ...headers, "Content-Type": "text/csv; charset=utf-8" },
        })
      : new Response(formatHtml(report), {
          headers: {
            ...headers,
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": HTML_POLICY,
          },
        });
  }

  async #read(month: string): Promise<Report> {
    if (this.#running !== undefined && this.#running.month !== month)
      throw new ApiError(503, "another report is being made: try again");
    this.#running ??= { month, report: readReport(this.#sources, month, hostname()) };
    const { report } = this.#running;
    try {
      return await report;
    } catch (error) {
      if (error instanceof ReportUnavailable) throw new ApiError(503, "the database is unavailable");
      throw error;
    } finally {
      this.#running = undefined;
    }
  }
}
