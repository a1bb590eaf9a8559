import type { Middleware } from 'koa';
import { parse } from 'lossless-json';
import type { RequestState } from '../../../infra/http/http-app.js';
import { exceededJsonLimit } from '../../../infra/http/json-limits.js';
import { Problem } from '../../../infra/http/problem.js';

/** Parses the text of the received body into `ctx.state.body`; see `parseJson`. */
export const parseJsonBody: Middleware<RequestState> = async (ctx, next) => {
  ctx.state.body = parseJson(ctx.state.text ?? '');
  await next();
};

/**
 * Parses JSON and keeps every number as the digits that were sent (LosslessNumber): `JSON.parse` would turn 0.1 into a
 * binary fraction and round a number with more digits than a double holds. A body beyond what an order needs is refused
 * before it is parsed.
 * @throws Problem 413 for more than 1,000 values; 400 for more than 8 levels of nesting, for a number of more than 100
 * characters, for a duplicate key, or for text that is not JSON
 */
export function parseJson(text: string): unknown {
  const exceeded = exceededJsonLimit(text);
  if (exceeded === 'values') throw new Problem(413, 'the body has more than 1,000 values; send a smaller order');
  if (exceeded === 'depth') throw new Problem(400, 'the body is nested too deeply: more than 8 levels');
  if (exceeded === 'number length') throw new Problem(400, 'the body has a number of more than 100 characters');
  try {
    return parse(text);
  } catch (error) {
    // The parser's messages repeat parts of the body, so they are not returned.
    const { message } = error as SyntaxError;
    const where = /at position \d+$/.exec(message)?.[0] ?? 'at its end';
    const what = message.startsWith('Duplicate key') ? 'has a duplicate key' : 'is not JSON';
    throw new Problem(400, `the body ${what} (${where})`);
  }
}
