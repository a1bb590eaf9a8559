import { createServer } from 'node:net';

const attempts = 50;
// Below the range from which Linux and macOS take the ports of outgoing connections: a server that is stopped and
// started again finds its port free, and a client that keeps dialling it cannot connect to itself meanwhile.
const lowestFree = 20_000;
const highestFree = 32_000;

/**
 * A TCP port that can be bound on 127.0.0.1 now and is not in `taken`, to which it is added: `preferred` when it is
 * free, else a random one. Nothing reserves it: the server has to bind it soon.
 * @throws Error when no free port was found in 50 tries
 */
export async function choosePort(preferred: number | undefined, taken: Set<number>): Promise<number> {
  for (let attempt = 0; attempt <= attempts; attempt += 1) {
    const port = attempt === 0 && preferred !== undefined ? preferred : randomPort();
    if (taken.has(port)) continue;
    // Entered before the wait below, so that two callers at once do not get the same port.
    taken.add(port);
    if (await canBind(port)) return port;
    taken.delete(port);
  }
  throw new Error(`no free TCP port found on 127.0.0.1 in ${attempts} tries`);
}

function randomPort(): number {
  return lowestFree + Math.floor(Math.random() * (highestFree - lowestFree));
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
