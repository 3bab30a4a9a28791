/** The formats of a report. */

/** All formats, the default of `btrt report` first. */
export const REPORT_FORMATS = ["html", "csv", "json"] as const;
