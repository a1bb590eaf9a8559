import getPort from 'get-port';

const attempts = 50;
// Below the range from which Linux and macOS take the ports of outgoing connections. A restarted server therefore finds
// its port free, and a client that keeps dialling the port in the meantime cannot connect to itself.
const lowestFree = 20_000;
const highestFree = 32_000;

/**
 * Chooses a TCP port that can be bound on 127.0.0.1 now and that this process has not chosen before. It is `preferred`
 * if that is possible, otherwise a random port. Other processes can still take it, so the server has to bind it soon.
 */
export function choosePort(preferred?: number): Promise<number> {
  const random = Array.from({ length: attempts }, randomPort);
  const port = preferred === undefined ? random : [preferred, ...random];
  return getPort({ port, host: '127.0.0.1', reserve: true });
}

function randomPort(): number {
  return lowestFree + Math.floor(Math.random() * (highestFree - lowestFree));
}
