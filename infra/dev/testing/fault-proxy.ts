import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** `up` is towards the server. */
type Direction = 'up' | 'down';

interface Toxic {
  /** Each byte arrives later by this time, plus a random time of up to the same length. */
  readonly latencyMs: number;
  readonly bytesPerSecond?: number;
}

/**
 * A network between the code under test and a real server, into which a test can inject every kind of fault. The terms
 * are Toxiproxy's.
 */
export interface FaultProxy {
  /** The server's address by way of the proxy. */
  readonly url: string;
  /** Resets every connection; new ones are accepted. */
  reset(): void;
  /** Resets every connection, and every new one until `restore`, as if no server were running. */
  down(): void;
  /**
   * Accepts connections and bytes but forwards nothing until `restore`, like a frozen server. With a direction, only
   * the bytes in that direction are not forwarded.
   */
  freeze(direction?: Direction): void;
  /** Forwards everything in order until `restore`, but late and no faster than this. */
  limit(toxic: Toxic): void;
  /**
   * Resets, once, the connection on which matching bytes arrive: after they are forwarded, or instead of forwarding
   * them if `passOn` is false. Resolves when it happens.
   */
  resetAt(direction: Direction, matches: (bytes: Buffer) => boolean, passOn: boolean): Promise<void>;
  /** Ends every fault. */
  restore(): void;
  close(): Promise<void>;
}

interface Trap {
  readonly direction: Direction;
  readonly matches: (bytes: Buffer) => boolean;
  readonly passOn: boolean;
  readonly onTriggered: () => void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Starts a proxy on a free port of 127.0.0.1. @param target address of the server, of any scheme */
export async function createFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<Pair>();
  const frozen = new Set<Direction>();
  const traps = new Set<Trap>();
  let isDown = false;
  let toxic: Toxic | undefined;

  function pipe(direction: Direction, from: Socket, to: Socket, pair: Pair): void {
    const pass = createPipe(to, () => toxic);
    from.on('data', (bytes) => {
      const trap = [...traps].find((each) => each.direction === direction && each.matches(bytes));
      if (trap) {
        traps.delete(trap);
        // The bytes first go to the operating system, which sends them although the connection is about to end.
        if (trap.passOn) to.write(bytes, () => destroy(pair));
        else destroy(pair);
        trap.onTriggered();
      } else if (!frozen.has(direction)) pass(bytes);
    });
    // When one side closes, the other is closed after the last bytes. A frozen network forwards no close.
    from.on('close', () => void (frozen.size === 0 && to.end()));
  }

  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (isDown) return void near.destroy();
    const far = connect(Number(port), hostname);
    far.on('error', () => undefined);
    const pair = { near, far };
    pairs.add(pair);
    pipe('up', near, far, pair);
    pipe('down', far, near, pair);
    far.on('close', () => pairs.delete(pair));
  });
  const reset = (): void => {
    for (const pair of pairs) destroy(pair);
    pairs.clear();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    reset,
    down: () => {
      isDown = true;
      reset();
    },
    freeze: (direction) => {
      for (const each of direction ? [direction] : (['up', 'down'] as const)) frozen.add(each);
    },
    limit: (how) => {
      toxic = how;
    },
    resetAt: (direction, matches, passOn) =>
      new Promise((resolve) => void traps.add({ direction, matches, passOn, onTriggered: resolve })),
    restore: () => {
      // The bytes dropped while frozen are lost, so their connections are no longer usable.
      if (frozen.size > 0) reset();
      frozen.clear();
      traps.clear();
      toxic = undefined;
      isDown = false;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      reset();
      await closed;
    },
  };
}

function destroy({ near, far }: Pair): void {
  near.destroy();
  far.destroy();
}

/** Forwards bytes in order, with the latency that is set when they arrive. */
function createPipe(to: Socket, toxicNow: () => Toxic | undefined): (bytes: Buffer) => void {
  const waiting: { at: number; bytes: Buffer }[] = [];
  let freeAt = 0;
  const passOn = (): void => {
    for (let next = waiting[0]; next; next = waiting[0]) {
      const waitMs = next.at - performance.now();
      if (waitMs > 0) return void setTimeout(passOn, waitMs);
      waiting.shift();
      to.write(next.bytes);
    }
  };
  return (bytes) => {
    const slow = toxicNow();
    if (!slow && waiting.length === 0) return void to.write(bytes);
    const { latencyMs, bytesPerSecond = Infinity } = slow ?? { latencyMs: 0 };
    const arrival = performance.now() + latencyMs * (1 + Math.random());
    freeAt = Math.max(freeAt + (bytes.length / bytesPerSecond) * 1000, arrival);
    waiting.push({ at: freeAt, bytes });
    if (waiting.length === 1) passOn();
  };
}
