/** One validation error of a request body: where (JSON pointer, RFC 6901) and what. */
export interface ValidationError {
  readonly pointer: string;
  readonly detail: string;
}

/** The reason phrases of RFC 9110; Node's own table has some that are out of date. */
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
 * An answer that is not a success, as RFC 9457 problem details. Thrown anywhere below a route; one place turns it into
 * the response. `detail` is read by the caller, so it says what to do and never what we run on; it does not repeat what
 * was sent either, since that would make every answer as long as its request.
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

  /** The body of the response. `type` is `about:blank`: the status says all there is to tell kinds of problems apart. */
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
