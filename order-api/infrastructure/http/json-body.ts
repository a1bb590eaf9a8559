import { bodyParser } from '@koa/bodyparser';
import { Decimal } from 'decimal.js';
import type { Middleware } from 'koa';
import { parse } from 'lossless-json';
import { Problem } from '../../../infra/http/problem.js';
import type { RequestState } from '../../../infra/http/http-app.js';

const limit = '64kb';

const readText = bodyParser({
  enableTypes: ['text'],
  extendTypes: { text: ['application/json'] },
  textLimit: limit,
  onError: (error) => {
    const status = 'status' in error ? error.status : 400;
    if (status === 413) throw new Problem(413, `the body is over ${limit}; send a smaller order`);
    if (status === 415) throw new Problem(415, 'this Content-Encoding is not known; send plain or gzip');
    throw new Problem(400, 'the body could not be read; send it again');
  },
});

/**
 * Reads an `application/json` body into `ctx.request.body`, with every number as the exact decimal that was written:
 * the ordinary JSON parser would make 0.1 a binary fraction and round what has more digits than a double.
 * Answers 415 for another content type, 413 for over 64 KiB, 400 for what is not JSON.
 */
export const jsonBody: Middleware<RequestState> = async (ctx, next) => {
  if (ctx.request.type !== 'application/json') {
    throw new Problem(415, 'send the order with Content-Type: application/json');
  }
  await readText(ctx, async () => {
    ctx.request.body = parseJson(ctx.request.body);
    await next();
  });
};

function parseJson(text: unknown): unknown {
  try {
    return parse(typeof text === 'string' ? text : '', undefined, (digits) => new Decimal(digits));
  } catch (error) {
    // A RangeError is the stack that a body of nothing but opening brackets used up.
    const detail = error instanceof SyntaxError ? error.message : 'nested too deeply';
    throw new Problem(400, `the body is not JSON: ${detail}`);
  }
}
