import assert from 'node:assert/strict';
import type { ChannelModel } from 'amqplib';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { closeWithChannel, keepConnected, type RabbitmqConnection } from './connection.js';

describe('RabbitMQ connection', () => {
  let vhost: TestVhost;
  let link: FaultProxy;
  let connection: RabbitmqConnection | undefined;
  before(async () => (vhost = await createTestVhost()));
  beforeEach(async () => (link = await createFaultProxy(vhost.url)));
  afterEach(async () => {
    await connection?.close();
    connection = undefined;
    await link.close();
  });
  after(() => vhost.drop());

  const keep = async (
    setup: (model: ChannelModel) => Promise<void>,
    { url = link.url } = {},
  ): Promise<RabbitmqConnection> => (connection = await keepConnected(url, 'test connection', testLogger, setup));
  const isUp = () => eventually('the connection is up', () => assert.ok(connection?.isUp()));

  it('is set up anew after every loss', async () => {
    let setups = 0;
    await keep(async () => void (setups += 1));
    await isUp();
    for (const expected of [2, 3]) {
      link.reset();
      await eventually('it is set up again', () => assert.equal(setups, expected));
      await isUp();
    }
  });

  it('is kept trying while the broker is away, from the start on', async () => {
    link.down();
    let setups = 0;
    await keep(async () => void (setups += 1));
    assert.equal(connection?.isUp(), false);
    link.restore();
    await isUp();
    assert.equal(setups, 1);
  });

  it('is up only once setup is through, which is tried again when it fails', async () => {
    let setups = 0;
    await keep(async () => {
      setups += 1;
      assert.equal(connection?.isUp() ?? false, false);
      if (setups < 3) throw new Error('it broke');
    });
    await isUp();
    assert.equal(setups, 3);
  });

  it('is tried again when it is lost in the middle of setup', async () => {
    let setups = 0;
    await keep(async (model) => {
      setups += 1;
      if (setups === 1) link.reset();
      await model.createChannel();
    });
    await isUp();
    assert.equal(setups, 2);
  });

  it('is tried again when it is lost in the very turn that ends setup', async () => {
    let setups = 0;
    await keep(async (model) => {
      setups += 1;
      if (setups === 1) await model.close();
    });
    await eventually('it is set up again', () => assert.equal(setups, 2));
    await isUp();
  });

  it('goes with a channel that the server closes, and comes back with a new one', async () => {
    let setups = 0;
    await keep(async (model) => {
      const channel = await model.createChannel();
      closeWithChannel(model, channel, testLogger);
      setups += 1;
      if (setups === 1) channel.publish('no-such-exchange', 'x', Buffer.from('x'));
    });
    await eventually('it is set up again', () => assert.ok(setups >= 2));
    await isUp();
  });

  it('comes back even when it is lost while it is being closed for a lost channel', async () => {
    let setups = 0;
    let lose = (): void => undefined;
    await keep(async (model) => {
      setups += 1;
      lose = () => void model.close().catch(() => undefined);
    });
    await isUp();
    link.freeze();
    lose();
    link.restore();
    await eventually('it is set up again', () => assert.equal(setups, 2));
    await isUp();
  });

  it('comes back from a broker that froze', async () => {
    let setups = 0;
    await keep(async () => void (setups += 1), { url: `${link.url}?heartbeat=1` });
    await isUp();
    link.freeze();
    await eventually('the loss is noticed', () => assert.ok(!connection?.isUp()), 30_000);
    link.restore();
    await eventually('it is set up again', () => assert.ok(setups >= 2));
    await isUp();
  });

  it('once closed stays closed', async () => {
    let setups = 0;
    const kept = await keep(async () => void (setups += 1));
    await isUp();
    await kept.close();
    await kept.close();
    link.reset();
    assert.equal(kept.isUp(), false);
    assert.equal(setups, 1);
  });
});
