import assert from 'node:assert/strict';
import type pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { createPublisher, NotPublished, type Publisher } from '../rabbitmq/publisher.js';
import type { Topology } from '../rabbitmq/topology.js';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestDatabase, type TestDatabase } from '../dev/testing/test-database.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { createOutboxRelay, type OutboxRelay } from './outbox-relay.js';
import { addToOutbox, markPublished } from './outbox.js';

const topology: Topology = { exchange: 'things', queues: [{ name: 'made', routingKey: 'thing.made' }] };
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the outbox relay', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let vhost: TestVhost;
  let proxy: FaultProxy;
  let publisher: Publisher;
  let relay: OutboxRelay;
  before(async () => {
    [database, vhost] = await Promise.all([createTestDatabase('processor'), createTestVhost()]);
    pool = database.pool;
    proxy = await createFaultProxy(vhost.url);
    publisher = await createPublisher(proxy.url, 'test publisher', topology, testLogger);
    relay = relayOver(pool);
  });
  beforeEach(async () => {
    await eventually('the publisher is up', () => assert.ok(publisher.isUp()));
    await pool.query('truncate outbox');
    await vhost.request('DELETE', 'queues/made/contents');
  });
  after(async () => {
    await publisher.close();
    await proxy.close();
    await Promise.all([database.drop(), vhost.drop()]);
  });

  const relayOver = (db: pg.Pool): OutboxRelay =>
    createOutboxRelay({ pool: db, publisher, exchange: 'things', source: 'some-service', log: () => testLogger });
  const publish = (from: OutboxRelay = relay) =>
    from.publish({ aggregateIds: ['thing-1'], type: 'thing.made', dataversion: '1' });
  const queued = () => vhost.take('made');
  const rows = async () => {
    const { rows: found } = await pool.query<{ id: string; published: boolean; attempts: number; last_error: string }>(
      'select id, published_at is not null as published, attempts, last_error from outbox order by id',
    );
    return found;
  };
  const add = async (aggregateId = 'thing-1'): Promise<string> => {
    const id = uuidv7();
    const message = { id, aggregateId, type: 'thing.made', payload: { z: 1, a: 0.1 }, headers: { traceparent } };
    await addToOutbox(pool, [message], 0);
    return id;
  };

  it('publishes the event of a row with the properties of the contract and then marks the row', async () => {
    const id = await add();
    assert.deepEqual(await publish(), [id]);
    assert.deepEqual(await rows(), [{ id, published: true, attempts: 1, last_error: null }]);
    const { rows: written } = await pool.query<{ created_at: Date }>('select created_at from outbox');
    const at = written[0]?.created_at ?? new Date(0);
    const [message, ...others] = await queued();
    assert.ok(message && others.length === 0);
    assert.deepEqual(JSON.parse(message.payload), {
      specversion: '1.0',
      id,
      source: 'some-service',
      type: 'thing.made',
      subject: 'thing-1',
      time: at.toISOString(),
      dataversion: '1',
      data: { z: 1, a: 0.1 },
    });
    assert.deepEqual(message.properties, {
      message_id: id,
      correlation_id: 'thing-1',
      type: 'thing.made',
      app_id: 'some-service',
      content_type: 'application/cloudevents+json',
      timestamp: Math.floor(at.getTime() / 1000),
      delivery_mode: 2,
      headers: { traceparent },
    });
  });

  it('publishes nothing when nothing is left to publish, so calling it again is harmless', async () => {
    assert.deepEqual(await publish(), []);
    await add();
    await publish();
    assert.deepEqual(await publish(), []);
    assert.equal((await queued()).length, 1);
  });

  it('publishes the messages of the aggregate in the order they were written, and no others', async () => {
    const ids = [await add(), await add(), await add()];
    await add('thing-2');
    assert.deepEqual(await publish(), ids);
    assert.deepEqual(
      (await queued()).map(({ properties }) => properties.message_id),
      ids,
    );
    assert.equal((await rows()).filter(({ published }) => !published).length, 1);
  });

  it('publishes several aggregates in one call, with the headers it was given', async () => {
    const ids = [await add('thing-1'), await add('thing-2')];
    const published = await relay.publish({
      aggregateIds: ['thing-2', 'thing-1', 'nothing'],
      ...{ type: 'thing.made', dataversion: '1', headers: { extra: 'x' } },
    });
    assert.deepEqual(published.sort(), ids.sort());
    const messages = await queued();
    assert.deepEqual(messages.map(({ properties }) => properties['message_id']).sort(), ids);
    for (const { properties } of messages) assert.equal(properties.headers['extra'], 'x');
    assert.ok((await rows()).every((row) => row.published));
  });

  it('leaves a row unpublished when its publish fails, and records the attempt and the reason', async () => {
    const id = await add();
    await vhost.request('DELETE', 'bindings/e/things/q/made/thing.made');
    await assert.rejects(publish(), NotPublished);
    const [row] = await rows();
    assert.deepEqual([row?.published, row?.attempts], [false, 1]);
    assert.match(row?.last_error ?? '', /no queue took/);
    await eventually('it is published later', publish);
    const [later] = await rows();
    assert.deepEqual([later?.id, later?.published, later?.last_error], [id, true, null]);
    assert.ok((later?.attempts ?? 0) >= 2);
  });

  it('leaves a row unpublished while the broker is unavailable, and publishes it afterwards', async () => {
    const id = await add();
    proxy.down();
    await eventually('the loss is noticed', () => assert.ok(!publisher.isUp()));
    await assert.rejects(publish(), NotPublished);
    assert.equal((await rows())[0]?.published, false);
    proxy.restore();
    assert.deepEqual(await eventually('it is published', publish), [id]);
    assert.deepEqual(
      (await queued()).map(({ properties }) => properties.message_id),
      [id],
    );
  });

  it('publishes the same bytes under the same id again after a crash between confirm and mark', async () => {
    const id = await add();
    const crashing = relayOver(failingAt(pool, /^\s*update outbox\s+set published_at/));
    await assert.rejects(publish(crashing), /the process died here/);
    assert.deepEqual(await rows(), [{ id, published: false, attempts: 0, last_error: null }]);
    assert.deepEqual(await publish(), [id]);
    const [first, second, ...others] = await queued();
    assert.ok(first && second && others.length === 0);
    assert.deepEqual([first.properties.message_id, second.properties.message_id], [id, id]);
    assert.equal(first.payload, second.payload);
    assert.deepEqual(await rows(), [{ id, published: true, attempts: 1, last_error: null }]);
  });

  it('reports why a publish failed even when the attempt cannot be recorded', async () => {
    await add();
    await vhost.request('DELETE', 'bindings/e/things/q/made/thing.made');
    const failing = relayOver(failingAt(pool, /set attempts/));
    await assert.rejects(publish(failing), NotPublished);
    await eventually('it is published later', publish);
  });

  it('does not publish a message that another instance has published meanwhile', async () => {
    const id = await add();
    await markPublished(pool, [id]);
    assert.deepEqual(await publish(), []);
    assert.equal((await queued()).length, 0);
  });
});

/** Returns the same database, except that statements that match `pattern` fail as if the process had died there. */
function failingAt(pool: pg.Pool, pattern: RegExp): pg.Pool {
  const query = (statement: pg.QueryConfig): Promise<unknown> =>
    pattern.test(statement.text) ? Promise.reject(new Error('the process died here')) : pool.query(statement);
  return Object.assign(Object.create(pool) as pg.Pool, { query });
}
