import { GenericContainer, getContainerRuntimeClient, Wait, type StartedTestContainer } from 'testcontainers';
import { choosePort } from '../processes/ports.js';
import { diskLimit } from '../servers/rabbitmq-server.js';
import { developmentServerArguments } from '../servers/temporal-server.js';
import { images } from './container-images.js';
import { ownerLabels } from './test-containers-sweep.js';
import type { StoppableServer, TestServers } from './test-servers.js';

const startupTimeoutMs = 120_000;
const stopTimeoutSeconds = 10;
const postgresPassword = 'postgres';

/**
 * Starts two Postgres servers, RabbitMQ and Temporal with Testcontainers, on free ports of the loopback interface that
 * stay the same when a test stops a server and starts it again.
 * @throws Error if Docker cannot be reached, or neither has an image nor can pull it
 */
export async function startContainers(): Promise<TestServers> {
  const started: StartedTestContainer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.splice(0).map(remove));
  };
  const start = async (container: GenericContainer): Promise<StartedTestContainer> => {
    const running = await container.withLabels(ownerLabels()).withStartupTimeout(startupTimeoutMs).start();
    started.push(running);
    return running;
  };
  try {
    const [ordersDb, processorDb, rabbitmq, temporal] = await Promise.all([
      postgres('orders', start),
      postgres('processor', start),
      rabbitmqServer(start),
      temporalServer(start),
    ]);
    return { source: 'containers', ordersDb, processorDb, rabbitmq, temporal, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Start = (container: GenericContainer) => Promise<StartedTestContainer>;

async function postgres(database: string, start: Start) {
  const port = await choosePort();
  const container = await start(
    new GenericContainer(images.postgres)
      .withEnvironment({ POSTGRES_PASSWORD: postgresPassword, POSTGRES_DB: database })
      .withExposedPorts({ container: 5432, host: port })
      // The check uses TCP, since the temporary server that creates the database listens only on a Unix socket.
      .withWaitStrategy(Wait.forSuccessfulCommand('pg_isready -h 127.0.0.1 -U postgres')),
  );
  return {
    dsn: `postgresql://postgres:${postgresPassword}@${container.getHost()}:${port}/${database}`,
    server: stoppable(`Postgres (${database})`, container),
  };
}

async function rabbitmqServer(start: Start) {
  const [amqp, management] = [await choosePort(), await choosePort()];
  const container = await start(
    new GenericContainer(images.rabbitmq)
      .withEnvironment({
        RABBITMQ_DEFAULT_USER: 'orders',
        RABBITMQ_DEFAULT_PASS: 'orders',
        RABBITMQ_NODENAME: 'rabbit@localhost',
      })
      .withExposedPorts({ container: 5672, host: amqp }, { container: 15672, host: management })
      .withWaitStrategy(Wait.forLogMessage(/Server startup complete/)),
  );
  const credentials = 'orders:orders';
  return {
    url: `amqp://${credentials}@${container.getHost()}:${amqp}`,
    managementUrl: `http://${credentials}@${container.getHost()}:${management}`,
    server: {
      ...stoppable('RabbitMQ', container),
      setDiskFull: async (full: boolean) => {
        const { exitCode, output } = await container.exec(['rabbitmqctl', ...diskLimit(full)]);
        if (exitCode !== 0) throw new Error(`rabbitmqctl exited with code ${exitCode}: ${output}`);
      },
    },
  };
}

async function temporalServer(start: Start) {
  const port = await choosePort();
  const container = await start(
    new GenericContainer(images.temporal)
      .withCommand([...developmentServerArguments('/tmp/temporal.db'), '--ip', '0.0.0.0'])
      .withExposedPorts({ container: 7233, host: port })
      .withWaitStrategy(Wait.forListeningPorts()),
  );
  return { address: `${container.getHost()}:${port}`, server: stoppable('Temporal', container) };
}

/**
 * `stop` and `kill` keep the container, so that `start` finds its data and its ports again. They call Docker directly,
 * since Testcontainers' own `stop` works only once in the life of a container.
 */
function stoppable(name: string, container: StartedTestContainer): StoppableServer {
  return {
    name,
    start: () => container.restart(),
    stop: async () => void (await (await handleOf(container)).stop({ t: stopTimeoutSeconds })),
    kill: async () => void (await (await handleOf(container)).kill()),
  };
}

async function remove(container: StartedTestContainer): Promise<void> {
  await (await handleOf(container)).remove({ force: true, v: true });
}

async function handleOf(container: StartedTestContainer) {
  return (await getContainerRuntimeClient()).container.getById(container.getId());
}
