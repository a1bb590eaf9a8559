/** One validation error of a request body: where it is (a JSON pointer, RFC 6901) and what is wrong. */
export interface ValidationError {
  readonly pointer: string;
  readonly detail: string;
}

/** The reason phrases of RFC 9110. Some in Node's own table are out of date. */
const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
};

export const problemContentType = 'application/problem+json';

/**
 * An error answer as RFC 9457 problem details. It may be thrown anywhere below a route; one place turns it into the
 * response. The caller reads `detail`, so it says what to do and never what the service runs on. It does not repeat the
 * request either, since that would make an answer as long as its request.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly errors: readonly ValidationError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    detail: string,
    more: { errors?: readonly ValidationError[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
  }

  /** The body of the response. `type` is `about:blank` because the status alone tells the kinds of problems apart. */
  toJSON(): object {
    return {
      type: 'about:blank',
      title: titles[this.status] ?? 'Error',
      status: this.status,
      detail: this.message,
      ...(this.errors && { errors: this.errors }),
    };
  }
}
