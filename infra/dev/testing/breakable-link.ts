import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** `up` is towards the server. */
type Direction = 'up' | 'down';

interface Slowness {
  /** Every byte arrives that much later, and at random up to as much again. */
  readonly delayMs: number;
  readonly bytesPerSecond?: number;
}

/** A network between the code under test and a real server, which a test can break in every way. */
export interface BreakableLink {
  /** The server's address, by way of this link. */
  readonly url: string;
  /** Ends every connection; new ones are taken. */
  cut(): void;
  /** Ends every connection and every new one, as if nothing ran there, until `mend`. */
  breakDown(): void;
  /**
   * Takes connections and bytes but passes nothing on, as a server that froze; or, half open, nothing in one direction.
   * Until `mend`.
   */
  freeze(direction?: Direction): void;
  /** Passes everything on in its order, but later and no faster than that, until `mend`. */
  slowDown(slowness: Slowness): void;
  /**
   * Once, when such bytes come along: ends their connection, after they were passed on or instead of it. Resolves then.
   */
  cutAt(direction: Direction, matches: (bytes: Buffer) => boolean, passOn: boolean): Promise<void>;
  mend(): void;
  close(): Promise<void>;
}

interface Trap {
  readonly direction: Direction;
  readonly matches: (bytes: Buffer) => boolean;
  readonly passOn: boolean;
  readonly sprung: () => void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** @param target address of the server, whatever its scheme */
export async function createBreakableLink(target: string): Promise<BreakableLink> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<Pair>();
  const frozen = new Set<Direction>();
  const traps = new Set<Trap>();
  let broken = false;
  let slowness: Slowness | undefined;

  function pipe(direction: Direction, from: Socket, to: Socket, pair: Pair): void {
    const lane = createLane(to, () => slowness);
    from.on('data', (bytes) => {
      const trap = [...traps].find((each) => each.direction === direction && each.matches(bytes));
      if (trap) {
        traps.delete(trap);
        // Handed to the operating system first, which sends it although the connection is about to end.
        if (trap.passOn) to.write(bytes, () => destroy(pair));
        else destroy(pair);
        trap.sprung();
      } else if (!frozen.has(direction)) lane(bytes);
    });
    // One side's end is the other's, after the last bytes; a frozen network tells nobody.
    from.on('close', () => void (frozen.size === 0 && to.end()));
  }

  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (broken) return void near.destroy();
    const far = connect(Number(port), hostname);
    far.on('error', () => undefined);
    const pair = { near, far };
    pairs.add(pair);
    pipe('up', near, far, pair);
    pipe('down', far, near, pair);
    far.on('close', () => pairs.delete(pair));
  });
  const cut = (): void => {
    for (const pair of pairs) destroy(pair);
    pairs.clear();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut,
    breakDown: () => {
      broken = true;
      cut();
    },
    freeze: (direction) => {
      for (const each of direction ? [direction] : (['up', 'down'] as const)) frozen.add(each);
    },
    slowDown: (how) => {
      slowness = how;
    },
    cutAt: (direction, matches, passOn) =>
      new Promise((resolve) => void traps.add({ direction, matches, passOn, sprung: resolve })),
    mend: () => {
      // What was swallowed while frozen is gone, so its connections are of no use any more.
      if (frozen.size > 0) cut();
      frozen.clear();
      traps.clear();
      slowness = undefined;
      broken = false;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

function destroy({ near, far }: Pair): void {
  near.destroy();
  far.destroy();
}

/** Passes bytes on in their order, each as late as the link is slow when it comes. */
function createLane(to: Socket, slowness: () => Slowness | undefined): (bytes: Buffer) => void {
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
    const slow = slowness();
    if (!slow && waiting.length === 0) return void to.write(bytes);
    const { delayMs, bytesPerSecond = Infinity } = slow ?? { delayMs: 0 };
    const arrival = performance.now() + delayMs * (1 + Math.random());
    freeAt = Math.max(freeAt + (bytes.length / bytesPerSecond) * 1000, arrival);
    waiting.push({ at: freeAt, bytes });
    if (waiting.length === 1) passOn();
  };
}
