/** What an alert says, for people and for programs. */
import type { Alert } from "./alert-state.ts";

/** Where an alert comes from. */
export interface AlertOrigin {
  readonly hostName: string;
  readonly version: string;
}

/** A message for all channels. */
export interface AlertMessage {
  readonly origin: AlertOrigin;
  readonly time: string;
  readonly subject: string;
  /** Lines of text. */
  readonly text: string;
  readonly alert: Alert;
}

/** Characters of a subject. */
const SUBJECT_LIMIT = 120;

/** Composes a message. @param time in ISO 8601. */
export function composeAlert(alert: Alert, origin: AlertOrigin, time: string): AlertMessage {
  const { raised, cleared, remaining } = alert;
  const block = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines.map((line) => `- ${line}`), ""];
  const text = [
    ...block("Needs attention:", raised),
    ...block("Is over:", cleared),
    ...block("Also needs attention, as sent before:", remaining),
    `BTRT ${origin.version} on ${origin.hostName}, ${time}`,
  ].join("\n");
  const first = raised[0] ?? `Over: ${cleared[0] ?? ""}`;
  const more = raised.length + cleared.length - 1;
  const subject = `[btrt ${origin.hostName}] ${first}${more > 0 ? ` (and ${more} more)` : ""}`;
  return { origin, time, subject: shorten(subject.replace(/\s+/g, " ")), text, alert };
}

/** The message of `btrt alert --test`. */
export function composeTest(origin: AlertOrigin, time: string): AlertMessage {
  const alert = { raised: ["This is a test: alerts arrive."], cleared: [], remaining: [] };
  return composeAlert(alert, origin, time);
}

function shorten(text: string): string {
  return text.length <= SUBJECT_LIMIT ? text : `${text.slice(0, SUBJECT_LIMIT - 1)}…`;
}
