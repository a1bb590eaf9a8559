import assert from 'node:assert/strict';
import type { ChannelModel } from 'amqplib';
import { createFaultProxy, type FaultProxy } from '../dev/testing/fault-proxy.js';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createTestVhost, type TestVhost } from '../dev/testing/test-vhost.js';
import { closeWithChannel, keepConnected, type RabbitmqConnection } from './connection.js';

describe('a RabbitMQ connection', () => {
  let vhost: TestVhost;
  let proxy: FaultProxy;
  let connection: RabbitmqConnection | undefined;
  before(async () => (vhost = await createTestVhost()));
  beforeEach(async () => (proxy = await createFaultProxy(vhost.url)));
  afterEach(async () => {
    await connection?.close();
    connection = undefined;
    await proxy.close();
  });
  after(() => vhost.drop());

  const keep = async (
    setup: (model: ChannelModel) => Promise<void>,
    { url = proxy.url } = {},
  ): Promise<RabbitmqConnection> => (connection = await keepConnected(url, 'test connection', testLogger, setup));
  const isUp = () => eventually('the connection is up', () => assert.ok(connection?.isUp()));

  it('is set up again after every loss', async () => {
    let setups = 0;
    await keep(async () => void (setups += 1));
    await isUp();
    for (const expected of [2, 3]) {
      proxy.reset();
      await eventually('the connection is set up again', () => assert.equal(setups, expected));
      await isUp();
    }
  });

  it('is opened once a broker that was unavailable at the start becomes available', async () => {
    proxy.down();
    let setups = 0;
    await keep(async () => void (setups += 1));
    assert.equal(connection?.isUp(), false);
    proxy.restore();
    await isUp();
    assert.equal(setups, 1);
  });

  it('is up only once its setup has succeeded, which is retried when it fails', async () => {
    let setups = 0;
    await keep(async () => {
      setups += 1;
      assert.equal(connection?.isUp() ?? false, false);
      if (setups < 3) throw new Error('it broke');
    });
    await isUp();
    assert.equal(setups, 3);
  });

  it('is opened again when it is lost in the middle of its setup', async () => {
    let setups = 0;
    await keep(async (model) => {
      setups += 1;
      if (setups === 1) proxy.reset();
      await model.createChannel();
    });
    await isUp();
    assert.equal(setups, 2);
  });

  it('is opened again when it is lost in the same event loop turn in which its setup ends', async () => {
    let setups = 0;
    await keep(async (model) => {
      setups += 1;
      if (setups === 1) await model.close();
    });
    await eventually('the connection is set up again', () => assert.equal(setups, 2));
    await isUp();
  });

  it('is closed and opened again with a new channel when the server closes its channel', async () => {
    let setups = 0;
    await keep(async (model) => {
      const channel = await model.createChannel();
      closeWithChannel(model, channel, testLogger);
      setups += 1;
      if (setups === 1) channel.publish('no-such-exchange', 'x', Buffer.from('x'));
    });
    await eventually('the connection is set up again', () => assert.ok(setups >= 2));
    await isUp();
  });

  it('is opened again even when it is lost while it is being closed for a lost channel', async () => {
    let setups = 0;
    let closeConnection = (): void => undefined;
    await keep(async (model) => {
      setups += 1;
      closeConnection = () => void model.close().catch(() => undefined);
    });
    await isUp();
    proxy.freeze();
    closeConnection();
    proxy.restore();
    await eventually('the connection is set up again', () => assert.equal(setups, 2));
    await isUp();
  });

  it('is opened again after the broker was frozen', async () => {
    let setups = 0;
    await keep(async () => void (setups += 1), { url: `${proxy.url}?heartbeat=1` });
    await isUp();
    proxy.freeze();
    await eventually('the loss is noticed', () => assert.ok(!connection?.isUp()), 30_000);
    proxy.restore();
    await eventually('the connection is set up again', () => assert.ok(setups >= 2));
    await isUp();
  });

  it('stays closed once it is closed', async () => {
    let setups = 0;
    const connected = await keep(async () => void (setups += 1));
    await isUp();
    await connected.close();
    await connected.close();
    proxy.reset();
    assert.equal(connected.isUp(), false);
    assert.equal(setups, 1);
  });
});
