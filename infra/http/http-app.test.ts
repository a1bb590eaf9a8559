import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type Router from '@koa/router';
import pg from 'pg';
import { isPostgresOutage } from '../postgres/outage.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createHttpApp, createRouter, type RequestState } from './http-app.js';
import { listen, type HttpServer } from './http-server.js';
import { Problem } from './problem.js';
import { limitConcurrency, limitDuration } from './request-limits.js';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

describe('the HTTP application', () => {
  let server: HttpServer;
  before(async () => {
    server = await listen(createHttpApp(routes(), testLogger, isPostgresOutage), '127.0.0.1', 0);
  });
  after(() => server.stop());

  const send = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text };
  };
  const requestProblem = async (method: string, path: string) => {
    const response = await send(method, path);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = JSON.parse(response.text) as { type: string; title: string; status: number; detail: string };
    assert.equal(problem.status, response.status);
    assert.equal(problem.type, 'about:blank');
    assert.ok(problem.title && problem.detail);
    return { ...response, problem };
  };

  it('answers with the body that a route returns', async () => {
    const { status, text } = await send('GET', '/fine');
    assert.deepEqual([status, text], [200, '{"fine":true}']);
  });

  it('turns a Problem into problem details with its validation errors and headers', async () => {
    const { status, text, headers } = await requestProblem('GET', '/problem');
    assert.equal(status, 422);
    assert.deepEqual(JSON.parse(text), {
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      detail: 'correct it',
      errors: [{ pointer: '/a~1b', detail: 'is wrong' }],
    });
    assert.equal(headers.get('x-more'), 'yes');
  });

  for (const path of [
    '/nothing',
    '/fine/more',
    '/%E0%A4%A',
    '//',
    '/__proto__',
    '/FINE',
    '/fine/',
    '//fine',
    '/fine//',
    '/f%69ne',
    '/fine;x',
  ]) {
    it(`answers 404 at ${path}, where there is no route`, async () => {
      assert.equal((await requestProblem('GET', path)).status, 404);
    });
  }

  for (const method of ['DELETE', 'PUT', 'PATCH', 'POST']) {
    it(`answers 405 with an Allow header to ${method} on a route that supports only GET`, async () => {
      const { status, headers } = await requestProblem(method, '/fine');
      assert.equal(status, 405);
      assert.match(headers.get('allow') ?? '', /\bGET\b/);
    });
  }

  it('answers an unknown method with 405 and an Allow header on a route, and with 404 elsewhere', async () => {
    const { status, headers } = await requestProblem('PROPFIND', '/fine');
    assert.deepEqual([status, headers.get('allow')], [405, 'HEAD, GET']);
    for (const method of ['PROPFIND', 'DELETE', 'OPTIONS']) {
      const nowhere = await requestProblem(method, '/nothing');
      assert.deepEqual([nowhere.status, nowhere.headers.get('allow') ?? ''], [404, '']);
    }
  });

  it('does not repeat the path of a request that it refuses', async () => {
    const path = `/${'x'.repeat(9000)}`;
    assert.ok((await requestProblem('GET', path)).text.length < 300);
    assert.ok(!(await requestProblem('PUT', '/fine?card=4111')).text.includes('fine'));
  });

  it('names the trace in every answer with a status of 500 or above, and in no other answer', async () => {
    const traced = async (path: string) => {
      const { text } = await send('GET', path, { traceparent });
      return (JSON.parse(text) as { trace_id?: string }).trace_id;
    };
    for (const path of ['/broken', '/broken-value', '/refused', '/shutdown', '/hanging']) {
      assert.equal(await traced(path), traceId, path);
    }
    for (const path of ['/problem', '/nothing']) assert.equal(await traced(path), undefined, path);
  });

  it('answers 500 to an internal error and shows no stack, no SQL and nothing of the request', async () => {
    for (const path of ['/broken?card=4111', '/broken-sql?card=4111', '/broken-value?card=4111']) {
      const { status, text } = await requestProblem('GET', path);
      assert.equal(status, 500);
      assert.ok(!/select|orders|secret|4111|\.ts|\bat /i.test(text), text);
    }
  });

  it('answers 503 with Retry-After while Postgres is unavailable, without naming Postgres', async () => {
    for (const path of ['/refused', '/shutdown']) {
      const { status, headers, text } = await requestProblem('GET', path);
      assert.equal(status, 503);
      assert.match(headers.get('retry-after') ?? '', /^\d+$/);
      assert.ok(!/postgres|ECONNREFUSED|terminating/i.test(text), text);
    }
  });

  it('answers 503 within the time limit when a handler hangs', async () => {
    const { status, headers } = await requestProblem('GET', '/hanging');
    assert.equal(status, 503);
    assert.match(headers.get('retry-after') ?? '', /^\d+$/);
  });

  it('keeps the status of an error that carries a 4xx status', async () => {
    const { status, problem } = await requestProblem('GET', '/teapot');
    assert.deepEqual([status, problem.detail], [418, 'I am a teapot']);
  });

  it('continues the trace of the caller and begins a new one if there is none', async () => {
    const continued = (await send('GET', '/trace', { traceparent })).text;
    assert.match(continued, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    assert.notEqual(continued, traceparent);
    assert.match((await send('GET', '/trace')).text, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.match((await send('GET', '/trace', { traceparent: 'x' })).text, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('answers 503 to requests above its concurrency limit and accepts new ones afterwards', async () => {
    const responses = await Promise.all([send('GET', '/limited'), send('GET', '/limited'), send('GET', '/limited')]);
    assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 200, 503]);
    for (const { headers } of responses.filter(({ status }) => status === 503)) {
      assert.equal(headers.get('retry-after'), '1');
      assert.equal(headers.get('content-type'), 'application/problem+json');
    }
    assert.equal((await send('GET', '/limited')).status, 200);
  });

  for (const path of ['/fine', '/problem', '/nothing', '/broken', '/refused']) {
    it(`sends security headers and Cache-Control at ${path}`, async () => {
      const { headers } = await send('GET', path);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.ok(headers.get('content-security-policy'));
      assert.equal(headers.get('strict-transport-security'), null);
      assert.equal(headers.get('x-powered-by'), null);
    });
  }
});

function routes(): Router<RequestState> {
  const router = createRouter();
  router.get('/fine', (ctx) => void (ctx.body = { fine: true }));
  router.get('/trace', (ctx) => void (ctx.body = ctx.state.traceparent));
  router.get('/limited', limitConcurrency(2), async (ctx) => {
    await sleep(300);
    ctx.body = 'done';
  });
  router.get('/hanging', limitDuration, () => new Promise<void>(() => undefined));
  const failures: Record<string, () => unknown> = {
    '/problem': () =>
      new Problem(422, 'correct it', {
        errors: [{ pointer: '/a~1b', detail: 'is wrong' }],
        headers: { 'X-More': 'yes' },
      }),
    '/broken': () => new Error('secret: select 1 from orders'),
    '/broken-sql': () => databaseError('42601', 'syntax error at or near "select * from orders"'),
    '/broken-value': () => 'secret',
    '/refused': () => Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' }),
    '/shutdown': () => databaseError('57P01', 'terminating connection due to administrator command'),
    '/teapot': () => Object.assign(new Error('I am a teapot'), { status: 418 }),
  };
  for (const [path, failure] of Object.entries(failures)) {
    router.get(path, () => {
      throw failure();
    });
  }
  return router;
}

function databaseError(code: string, message: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code });
}
