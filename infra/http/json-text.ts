import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import type { RequestState } from './http-app.js';
import { isJsonInUtf8, isUnencoded } from './media-type.js';
import { Problem } from './problem.js';
import { expectsContinue } from './protocol-rules.js';

const maxBodyBytes = 65_536;
/** A chunk costs some hundred bytes besides its content, so a body that arrives byte by byte would take up 20 MB. */
const maxChunks = 64;

/**
 * Receives an `application/json` body as text into `ctx.state.text`. It ignores a byte order mark before the text, as
 * RFC 8259 8.1 allows.
 * @throws Problem 415 for another media type, charset or coding, and 413 for a Content-Length over 64 KiB, both before
 * it asks for the body; 413 when the body turns out to be over 64 KiB; 400 when it is incomplete or not UTF-8
 */
export const receiveJsonText: Middleware<RequestState> = async (ctx, next) => {
  refuseByHeaders(ctx.req);
  if (expectsContinue(ctx.req)) ctx.res.writeContinue();
  ctx.state.text = decode(await receive(ctx.req));
  await next();
};

function refuseByHeaders({ headers, headersDistinct }: IncomingMessage): void {
  if ((headersDistinct['content-type']?.length ?? 0) > 1 || !isJsonInUtf8(headers['content-type'] ?? '')) {
    throw new Problem(415, 'send the body as UTF-8 with Content-Type: application/json', {
      headers: { Accept: 'application/json' },
    });
  }
  if (!isUnencoded(headers['content-encoding'] ?? '')) {
    throw new Problem(415, 'send the body without a Content-Encoding', { headers: { 'Accept-Encoding': 'identity' } });
  }
  if (Number(headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge();
}

/**
 * Returns the bytes of the body, at most 64 KiB. If the body is longer, the rest is read and discarded, so that a
 * client that is still sending gets its answer and can continue to use the connection.
 */
function receive(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (chunks.length > maxChunks) chunks.splice(0, chunks.length, Buffer.concat(chunks));
      if (bytes <= maxBodyBytes) return;
      chunks.length = 0;
      req.off('data', take).resume();
      reject(tooLarge());
    };
    req.on('data', take);
    req.once('end', () => resolve(Buffer.concat(chunks)));
    req.once('error', () => undefined);
    req.once('close', () => reject(new Problem(400, 'the body ended before it was complete; send it again')));
  });
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem(400, 'the body is not valid UTF-8; JSON must be encoded in UTF-8');
  }
}

function tooLarge(): Problem {
  return new Problem(413, 'the body is over 64 KiB; send a smaller one');
}
