import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.js';

/** The characters that a host name or address and its port may have (RFC 3986 3.2.2). */
const hostValue = /^[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]*$/;

/**
 * Refuses requests that Node accepts although they violate HTTP (RFC 9110, 9112): another major version, anything but
 * one valid Host header, a transfer coding other than chunked, an expectation other than 100-continue.
 * @throws Problem 400, 417, 501 or 505
 */
export function refuseProtocolErrors(req: IncomingMessage): void {
  const { httpVersionMajor: major, headers } = req;
  if (major !== 1) throw new Problem(major < 1 ? 400 : 505, 'send the request as HTTP/1.1');
  const hosts = req.headersDistinct['host'] ?? [];
  if (hosts.length > 1 || (hosts.length === 0 && isHttp11(req)) || !hostValue.test(hosts[0] ?? '')) {
    throw new Problem(400, 'send one Host header with the name or address of this service');
  }
  const transferEncoding = headers['transfer-encoding'] ?? 'chunked';
  if (transferEncoding.toLowerCase() !== 'chunked') {
    throw new Problem(501, 'the only supported Transfer-Encoding is chunked');
  }
  if (isHttp11(req) && headers.expect !== undefined && !expectsContinue(req)) {
    throw new Problem(417, 'the only supported expectation is 100-continue; send the request without any other');
  }
}

/** Returns true if the client waits for 100 Continue before it sends the body, which HTTP/1.0 does not have. */
export function expectsContinue(req: IncomingMessage): boolean {
  return isHttp11(req) && req.headers.expect?.toLowerCase() === '100-continue';
}

function isHttp11(req: IncomingMessage): boolean {
  return req.httpVersionMajor === 1 && req.httpVersionMinor >= 1;
}
