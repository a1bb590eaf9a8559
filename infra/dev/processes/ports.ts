import { createServer } from 'node:net';

const attempts = 50;
// Below the range from which Linux and macOS take the ports of outgoing connections. A restarted server therefore finds
// its port free, and a client that keeps dialling the port in the meantime cannot connect to itself.
const lowestFree = 20_000;
const highestFree = 32_000;

/**
 * Chooses a TCP port that can be bound on 127.0.0.1 now and is not in `taken`, and adds it to `taken`. It is
 * `preferred` if that is free, otherwise a random port. Nothing reserves it, so the server has to bind it soon.
 * @throws Error if no free port is found in 50 tries
 */
export async function choosePort(preferred: number | undefined, taken: Set<number>): Promise<number> {
  for (let attempt = 0; attempt <= attempts; attempt += 1) {
    const port = attempt === 0 && preferred !== undefined ? preferred : randomPort();
    if (taken.has(port)) continue;
    // Added before the wait below, so that two concurrent callers do not get the same port.
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
