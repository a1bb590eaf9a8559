import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { createPublisher } from '../../../rabbitmq/publisher.js';
import { eventually } from '../../testing/eventually.js';
import { testLogger } from '../../testing/test-logger.js';
import { orderTopology } from '../../../../workflows/order-events.js';
import { ratePerSecond } from '../rate.js';
import { serve } from './serve.js';

// For `confirms`: messages confirmed per second, by this system's publisher or by amqplib's confirm channel alone, as
// CONFIRMS_THROUGH says.
const url = process.env['APP__RABBITMQ_URL'] ?? '';
const window = 200;
const content = Buffer.alloc(400, 'x');
const routingKey = 'order.created';

async function subject(): Promise<() => Promise<void>> {
  const publisher = await createPublisher(url, 'reference', orderTopology, testLogger);
  await eventually('the publisher is connected', () => {
    if (!publisher.isUp()) throw new Error('it is not connected yet');
  });
  const { exchange } = orderTopology;
  return () => publisher.publish({ exchange, routingKey, content, properties: { messageId: randomUUID() } });
}

async function bare(): Promise<() => Promise<void>> {
  const model = await connect(url);
  const channel = await model.createConfirmChannel();
  return () =>
    new Promise((resolve, reject) => {
      const options = { persistent: true, messageId: randomUUID() };
      channel.publish(orderTopology.exchange, routingKey, content, options, (error: unknown) => {
        if (error) reject(error instanceof Error ? error : new Error('not confirmed'));
        else resolve();
      });
    });
}

const publish = await (process.env['CONFIRMS_THROUGH'] === 'amqplib' ? bare() : subject());
serve((durationMs) => ratePerSecond(window, durationMs, publish));
