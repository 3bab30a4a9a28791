/**
 * HTTP errors. A mistake in the BitTorrent part is answered with 200 and a `failure reason`; each of these also closes
 * the connection, as the boundaries of following requests are uncertain.
 */

/** The errors by name. Values are indices of {@link HTTP_ERRORS}; 0 is no error. */
export const HTTP_ERROR = {
  lineEnd: 1,
  controlByte: 2,
  requestLine: 3,
  target: 4,
  header: 5,
  hostRepeated: 6,
  body: 7,
  addressConflict: 8,
  notFound: 9,
  method: 10,
  requestLineTooLong: 11,
  headersTooLarge: 12,
  tooManyHops: 13,
  trackerUrl: 14,
  notOurs: 15,
} as const;
export type HttpErrorCode = (typeof HTTP_ERROR)[keyof typeof HTTP_ERROR];

/** An error's reply. */
export interface HttpError {
  /** Status code and phrase (RFC 9110 15, RFC 6585 5). */
  readonly status: string;
  /** The reply's body: the mistake, in printable ASCII. */
  readonly text: string;
}

const BAD_REQUEST = "400 Bad Request";
const TOO_LARGE = "431 Request Header Fields Too Large";

/** Indexed by code; index 0 is never sent. */
export const HTTP_ERRORS: readonly HttpError[] = [
  { status: "", text: "" },
  { status: BAD_REQUEST, text: "every line must end in CR LF, and neither may stand alone" },
  { status: BAD_REQUEST, text: "there is a control byte in the request" },
  { status: BAD_REQUEST, text: "the request line must be like: GET /announce?query HTTP/1.1" },
  { status: BAD_REQUEST, text: "the request target must be a path or an http:// address" },
  { status: BAD_REQUEST, text: "every header line must be like: Name: value" },
  { status: BAD_REQUEST, text: "there is more than one Host header" },
  { status: BAD_REQUEST, text: "a request must not have a body, or headers that could mean one" },
  { status: BAD_REQUEST, text: "Forwarded and X-Forwarded-For name different addresses" },
  { status: "404 Not Found", text: "there is only /announce and /scrape" },
  { status: "405 Method Not Allowed", text: "the only method is GET" },
  { status: "414 URI Too Long", text: "the request line is longer than 16 KiB" },
  { status: TOO_LARGE, text: "the headers are longer than 16 KiB or more than 128" },
  { status: TOO_LARGE, text: "there are too many Forwarded or X-Forwarded-For headers" },
  { status: BAD_REQUEST, text: "this is no URL of a tracker that an announce could be forwarded for" },
  { status: "421 Misdirected Request", text: "announces for this tracker are not answered here" },
];
