import type { Middleware } from 'koa';
import { parse } from 'lossless-json';
import type { RequestState } from '../../../infra/http/http-app.js';
import { exceededJsonLimit } from '../../../infra/http/json-limits.js';
import { Problem } from '../../../infra/http/problem.js';

/** Parses the text of the body that was received into `ctx.state.body`, see `parseJson`. */
export const parseJsonBody: Middleware<RequestState> = async (ctx, next) => {
  ctx.state.body = parseJson(ctx.state.text ?? '');
  await next();
};

/**
 * Parses JSON, with every number as the digits that were written (LosslessNumber): the ordinary parser would make 0.1 a
 * binary fraction and round what has more digits than a double. What an order never needs is refused before it is parsed.
 * @throws Problem 413 for over 1,000 values; 400 for what is nested over 8 deep, has a number of over 100 characters or a
 * key with two values, or is not JSON
 */
export function parseJson(text: string): unknown {
  const exceeded = exceededJsonLimit(text);
  if (exceeded === 'values') throw new Problem(413, 'the body has over 1,000 values; send a smaller order');
  if (exceeded === 'depth') throw new Problem(400, 'the body is nested too deeply, over 8 levels');
  if (exceeded === 'number length') throw new Problem(400, 'the body has a number of over 100 characters');
  try {
    return parse(text);
  } catch (error) {
    // The parser's messages repeat what was sent.
    const { message } = error as SyntaxError;
    const where = /at position \d+$/.exec(message)?.[0] ?? 'its end';
    const what = message.startsWith('Duplicate key') ? 'has a key with two values' : 'is not JSON';
    throw new Problem(400, `the body ${what}, see ${where}`);
  }
}
