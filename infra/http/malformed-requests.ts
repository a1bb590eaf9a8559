import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem, problemContentType } from './problem.js';

interface ParseError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

/**
 * Answers what never becomes a request, because Node's parser refuses it or it does not arrive in time, as problem details
 * like everything else, and closes the connection.
 */
export function answerMalformedRequests(server: Server): void {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const refused = new WeakSet<Duplex>();
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, (req: IncomingMessage, res: ServerResponse) => latest.set(req.socket, res));
  }
  server.on('clientError', (error: ParseError, socket) => {
    // The parser fails again on everything that still comes.
    if (refused.has(socket)) return;
    refused.add(socket);
    const response = latest.get(socket);
    // What comes before it on the connection is answered before it.
    if (response?.req.complete && !response.writableFinished) {
      response.once('close', () => refuse(socket, problemFor(error)));
      return;
    }
    // The request was answered before all of its body was there, and gets no second answer.
    const isAnswered = response !== undefined && !response.req.complete && response.headersSent;
    refuse(socket, isAnswered ? undefined : problemFor(error));
  });
  server.on('connect', (_req, socket) => {
    socket.on('error', () => undefined).resume(); // Node leaves this connection to whoever listens
    refuse(socket, new Problem(501, 'this service is not a proxy'));
  });
}

function refuse(socket: Duplex, problem: Problem | undefined): void {
  if (problem && socket.writable) socket.write(rawAnswer(problem));
  (socket as Partial<{ destroySoon: () => void }>).destroySoon?.();
}

/** By the codes of Node's parser. A method that it does not know is 501 (RFC 9110 9.1), what is no HTTP at all 400. */
function problemFor({ code, rawPacket }: ParseError): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem(408, 'the request did not arrive in time; send it again');
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem(431, 'the path and the headers are over 16 KiB; send less');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new Problem(413, 'send the chunks without extensions');
  if (code === 'HPE_INVALID_METHOD' && /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?\n/.test(startOf(rawPacket))) {
    return new Problem(501, 'this method is not known here');
  }
  return new Problem(400, 'the request is not HTTP/1.1 as RFC 9112 has it');
}

function startOf(packet: Buffer | undefined): string {
  return packet?.toString('latin1', 0, 20_000) ?? '';
}

function rawAnswer(problem: Problem): string {
  const body = JSON.stringify(problem);
  const { title } = problem.toJSON() as { title: string };
  const headers = [
    `HTTP/1.1 ${problem.status} ${title}`,
    `Content-Type: ${problemContentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
  ];
  return `${headers.join('\r\n')}\r\n\r\n${body}`;
}
