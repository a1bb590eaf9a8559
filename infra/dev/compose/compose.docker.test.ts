import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../processes/run-command.js';
import { eventually } from '../testing/eventually.js';
import { ComposeProject, sweepComposeProjects } from './compose-project.js';
import { ComposedSystem } from './composed-system.js';

const servers = ['orders-db', 'processor-db', 'rabbitmq', 'temporal'] as const;
const services = ['order-api', 'processor'] as const;
const pauseMs = 3_000;

describe('docker compose', () => {
  let project: ComposeProject;
  let system: ComposedSystem;

  before('up --wait', async function () {
    this.timeout(25 * 60_000);
    await sweepComposeProjects(console.log);
    project = await ComposeProject.create();
    system = new ComposedSystem(project);
    await project.up('--build');
  });

  after('down --volumes', () => project.remove());

  it('up --wait returns when every container is healthy, and publishes ports on loopback only', async () => {
    for (const service of [...servers, ...services]) {
      const [container] = await project.inspect(service);
      assert.equal(container?.State.Health?.Status, 'healthy', service);
      const bindings = Object.values(container.HostConfig.PortBindings).flat();
      assert.ok(bindings.length > 0, service);
      assert.ok(bindings.every(({ HostIp }) => HostIp === '127.0.0.1'));
      assert.equal(container.HostConfig.RestartPolicy.Name, 'unless-stopped');
      assert.ok(container.HostConfig.Memory > 0 && (container.HostConfig.PidsLimit ?? 0) > 0, service);
    }
  });

  it('accepts the order of the README, whose progress Temporal then shows', async () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const [, lines = ''] = /^```\n(curl -X POST [^`]*)```/m.exec(readme) ?? [];
    const place = lines.replaceAll('localhost:8001', `localhost:${project.ports.orderApi}`);
    const answer = await runCommand('bash', ['-c', place], { limitMs: 30_000 });
    assert.match(answer, /"order_id":"ord-001".*"status":"pending"/);
    await eventually('the order is settled', async () => {
      assert.match(String((await system.get('ord-001'))['status']), /^(done|failed)$/);
    });
    await eventually('its workflow has completed', async () => {
      assert.equal(await system.workflowStatus('order-ord-001'), 'COMPLETED');
    });
    const page = await fetch(`http://localhost:${project.ports.temporalUi}/`);
    assert.match(await page.text(), /<html/);
  });

  it('runs operations from the image: the help, a look at an order, and the check of every invariant', async () => {
    const ops = (...args: string[]): Promise<string> => project.run('run', '--rm', '-T', 'ops', ...args);
    assert.match(await ops('--help'), /Usage: ops .*verify .*Exit codes:/s);
    assert.match(await ops('orders', 'show', 'ord-001'), /order ord-001: (done|failed), version 2/);
    assert.match(await ops('verify', '--wait', '30'), /every invariant holds/);
    await assert.rejects(ops('orders', 'show', 'never-placed'), /there is no order never-placed/);
  });

  for (const service of services) {
    it(`runs ${service} without root, without privileges and on a read-only file system`, async () => {
      const [container] = await project.inspect(service);
      assert.ok(container);
      const { ReadonlyRootfs, CapDrop, SecurityOpt } = container.HostConfig;
      assert.deepEqual([ReadonlyRootfs, CapDrop], [true, ['ALL']]);
      assert.ok(SecurityOpt?.some((option) => option.startsWith('no-new-privileges')));
      assert.match(await project.run('exec', '-T', service, 'id'), /^uid=1000\(node\)/m);
      for (const file of ['/app/new', '/app/order-api/main.js', '/new']) {
        await assert.rejects(
          project.run('exec', '-T', service, 'sh', '-c', `echo >> ${file}`),
          /Read-only file system|Permission denied/,
        );
      }
      const status = await project.run('exec', '-T', service, 'cat', '/proc/1/status');
      assert.match(status, /^CapEff:\s*0+$/m);
      assert.match(status, /^NoNewPrivs:\s*1$/m);
    });
  }

  it('keeps passwords out of the image, and out of what docker inspect shows of a container', async () => {
    const shown = [await project.describeImage()];
    for (const service of ['credentials', ...servers, ...services]) {
      shown.push(JSON.stringify(await project.inspect(service)));
    }
    const passwords = Object.values(await project.addresses()).map((address) => new URL(address).password);
    assert.equal(new Set(passwords).size, 3);
    for (const password of passwords) {
      assert.ok(password.length >= 32);
      assert.ok(!shown.join('').includes(password));
    }
  });

  it('refuses a password that its server was not created with, before anything starts with it', async () => {
    const other = ['run', '--rm', '--env', 'ORDERS_DB_PASSWORD=another', 'credentials'];
    await assert.rejects(
      project.run(...other),
      /ORDERS_DB_PASSWORD is not the password that its server was created with/,
    );
    const unusable = ['run', '--rm', '--env', 'RABBITMQ_PASSWORD=a/b@c', 'credentials'];
    await assert.rejects(project.run(...unusable), /RABBITMQ_PASSWORD: only letters, digits/);
  });

  for (const service of [...servers, ...services]) {
    it(`settles every accepted order once although ${service} is killed while orders arrive`, async () => {
      const accepted = await system.placeWhile(async () => {
        await sleep(pauseMs);
        await project.run('kill', service);
        await sleep(pauseMs);
        await project.up();
        await sleep(pauseMs);
      });
      assert.ok(accepted.length > 10, `${accepted.length} orders were accepted`);
      await system.settledOnce(accepted);
    });
  }

  it('stops a service cleanly while orders arrive, without losing one', async () => {
    const accepted = await system.placeWhile(async () => {
      await sleep(pauseMs);
      for (const service of services) await project.run('stop', service);
      for (const service of services) assert.equal((await project.inspect(service))[0]?.State.ExitCode, 0, service);
      await project.up();
      await sleep(pauseMs);
    });
    await system.settledOnce(accepted);
  });

  it('shares the orders among several instances behind one port', async function () {
    this.timeout(10 * 60_000);
    const scaled = project.withFile('docker-compose.scaled.yml');
    await skipWithoutImages(this, scaled);
    await scaled.up('--scale', 'order-api=2', '--scale', 'processor=3');
    const accepted: string[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      const placed = await Promise.all(Array.from({ length: 12 }, () => system.place()));
      accepted.push(...placed.filter((id) => id !== undefined));
    }
    assert.equal(accepted.length, 120);
    await system.settledOnce(accepted);
    const placed = await project.countPerInstance('order-api', '"msg":"order placed"');
    const worked = await project.countPerInstance('processor', '"msg":"order.created received"');
    console.log(`      orders per instance: order-api ${placed.join(', ')}; processor ${worked.join(', ')}`);
    assert.deepEqual([placed.length, worked.length], [2, 3]);
    assert.ok([...placed, ...worked].every((count) => count > 0));
  });

  it('down keeps the orders, and down --volumes deletes them', async () => {
    const before = await system.get('ord-001');
    await project.run('down', '--remove-orphans');
    assert.equal((await project.volumes()).length, 7);
    await project.up();
    assert.deepEqual(await system.get('ord-001'), before);
    await project.run('down', '--volumes');
    assert.deepEqual(await project.volumes(), []);
  });
});

describe("docker compose with Temporal's server on PostgreSQL", () => {
  let project: ComposeProject;
  let system: ComposedSystem;

  before('config and up --wait', async function () {
    this.timeout(25 * 60_000);
    project = (await ComposeProject.create()).withFile('docker-compose.temporal-server.yml');
    system = new ComposedSystem(project);
    await project.run('config', '--quiet');
    await skipWithoutImages(this, project);
    await project.up('--build');
  });

  after('down --volumes', () => project.remove());

  it('settles every accepted order once although Temporal is killed while orders arrive', async () => {
    const accepted = await system.placeWhile(async () => {
      await sleep(pauseMs);
      await project.run('kill', 'temporal');
      await sleep(pauseMs);
      await project.up();
    });
    assert.ok(accepted.length > 10, `${accepted.length} orders were accepted`);
    await system.settledOnce(accepted);
  });

  it("keeps the workflows' histories in its database when everything is taken down", async () => {
    const orderId = await system.place();
    assert.ok(orderId);
    await system.settledOnce([orderId]);
    await project.run('down');
    await project.up();
    assert.equal(await system.workflowStatus(`order-${orderId}`), 'COMPLETED');
  });
});

/** Skips the test, instead of failing it, if an official image is not here and cannot be pulled. */
async function skipWithoutImages(context: Mocha.Context, project: ComposeProject): Promise<void> {
  const isThere = (...args: string[]) =>
    runCommand('docker', args, { limitMs: 5 * 60_000 }).then(
      () => true,
      () => false,
    );
  for (const image of await project.images()) {
    if ((await isThere('image', 'inspect', image)) || (await isThere('pull', image))) continue;
    console.log(`      skipped: the image ${image} is not available`);
    context.skip();
  }
}
