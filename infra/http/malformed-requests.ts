import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem, problemContentType } from './problem.js';

interface ParseError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

/**
 * Answers input that never becomes a request, because Node's parser refuses it or it does not arrive in time. The
 * answer has problem details like any other, and the connection is closed.
 */
export function answerMalformedRequests(server: Server): void {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const refused = new WeakSet<Duplex>();
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, (req: IncomingMessage, res: ServerResponse) => latest.set(req.socket, res));
  }
  server.on('clientError', (error: ParseError, socket) => {
    // The parser fails again on everything that still arrives.
    if (refused.has(socket)) return;
    refused.add(socket);
    const response = latest.get(socket);
    // The request that precedes it on the connection is answered first.
    if (response?.req.complete && !response.writableFinished) {
      response.once('close', () => refuse(socket, problemFor(error)));
      return;
    }
    // A request that was answered before all of its body arrived gets no second answer.
    const isAnswered = response !== undefined && !response.req.complete && response.headersSent;
    refuse(socket, isAnswered ? undefined : problemFor(error));
  });
  server.on('connect', (_req, socket) => {
    socket.on('error', () => undefined).resume(); // Node leaves this socket to the listener
    refuse(socket, new Problem(501, 'this service is not a proxy'));
  });
}

function refuse(socket: Duplex, problem: Problem | undefined): void {
  if (problem && socket.writable) socket.write(rawAnswer(problem));
  (socket as Partial<{ destroySoon: () => void }>).destroySoon?.();
}

/** Maps an error code of Node's parser to a problem: 501 for an unknown method (RFC 9110 9.1), 400 for invalid HTTP. */
function problemFor({ code, rawPacket }: ParseError): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem(408, 'the request did not arrive in time; send it again');
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem(431, 'the path and the headers are over 16 KiB; send less');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new Problem(413, 'send the chunks without extensions');
  if (code === 'HPE_INVALID_METHOD' && /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?\n/.test(startOf(rawPacket))) {
    return new Problem(501, 'the service does not know this method');
  }
  return new Problem(400, 'the request is not valid HTTP/1.1 (RFC 9112)');
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
