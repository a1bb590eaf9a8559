import assert from 'node:assert/strict';
import { anOrder, startSystem, type TestSystem } from '../dev/e2e/system.js';
import { eventually } from '../dev/testing/eventually.js';
import type { LiveSystem } from './live-system.js';
import { openTestSystem, operate } from '../dev/e2e/live-test-system.js';
import { verify } from './verify.js';

const brokerNowhere = { APP__RABBITMQ_URL: 'amqp://127.0.0.1:1' };
const temporalNowhere = { connectionOptions: { address: '127.0.0.1:1' }, namespace: 'default' };

describe('the ops command, while RabbitMQ and Temporal are unavailable,', function () {
  this.timeout(120_000);
  let system: TestSystem;
  let live: LiveSystem;

  before(async () => {
    system = await startSystem();
    live = await openTestSystem(system, { ...brokerNowhere, temporal: temporalNowhere });
  });
  after(async () => {
    await live.close();
    await system.stop();
  });

  it('shows what the databases know of an order, and which servers are unavailable', async () => {
    const order = anOrder();
    await system.post(order);
    await system.settled(order.order_id);
    const { lines, isComplete } = await operate(live, `orders show ${order.order_id}`);
    assert.ok(isComplete);
    const shown = lines.join('\n');
    assert.match(shown, /^order .*: (done|failed), version 2/);
    assert.match(shown, /unavailable {2}RabbitMQ does not answer: /);
    assert.match(shown, /unavailable {2}Temporal does not answer: /);
    assert.doesNotMatch(shown, / problem /);
  });

  it('refuses actions that need them, and names the server that is unavailable', async () => {
    const withReason = { reason: 'the test says so' };
    await assert.rejects(operate(live, 'dead-letters list'), /RabbitMQ does not answer/);
    await assert.rejects(operate(live, `orders retry ${anOrder().order_id}`, withReason), /Temporal does not answer/);
    await assert.rejects(verify(live), /RabbitMQ does not answer.*\n?.*Temporal does not answer/s);
  });

  it('lists unpublished events with the reason, and reports no problem that it cannot check', async () => {
    await system.orderApi.stop();
    await system.startOrderApi(brokerNowhere);
    const order = anOrder();
    await system.post(order);
    await eventually('it is listed', async () => {
      const { lines } = await operate(live, 'outbox pending');
      assert.match(lines.join('\n'), new RegExp(`of order ${order.order_id}, .*: RabbitMQ is not connected`));
    });
    const shown = (await operate(live, `orders show ${order.order_id}`)).lines.join('\n');
    assert.match(shown, /problem {6}I4: /);
    assert.doesNotMatch(shown, /I9: /, 'it cannot know whether the order has a workflow');
  });
});
