import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between the code under test and a real server, which a test can break in every way. */
export interface BreakableLink {
  /** The server's address, by way of this link. */
  readonly url: string;
  /** Ends every connection; new ones are taken. */
  cut(): void;
  /** Ends every connection and every new one, as if nothing ran there, until `mend`. */
  breakDown(): void;
  /** Takes connections and bytes but passes nothing on, as a server that froze, until `mend`. */
  freeze(): void;
  mend(): void;
  close(): Promise<void>;
}

/** @param target address of the server, whatever its scheme */
export async function createBreakableLink(target: string): Promise<BreakableLink> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let state: 'mended' | 'frozen' | 'broken' = 'mended';

  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (state === 'broken') return void near.destroy();
    const far = connect(Number(port), hostname);
    far.on('error', () => undefined);
    const pair = { near, far };
    pairs.add(pair);
    near.on('data', (bytes) => void (state === 'mended' && far.write(bytes)));
    far.on('data', (bytes) => void (state === 'mended' && near.write(bytes)));
    // One side's end is the other's, after the last bytes; a frozen network tells nobody.
    near.on('close', () => void (state !== 'frozen' && far.end()));
    far.on('close', () => void (state !== 'frozen' && near.end()));
    far.on('close', () => pairs.delete(pair));
  });
  const cut = (): void => {
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
    pairs.clear();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut,
    breakDown: () => {
      state = 'broken';
      cut();
    },
    freeze: () => void (state = 'frozen'),
    mend: () => {
      // What was swallowed while frozen is gone, so its connections are of no use any more.
      if (state === 'frozen') cut();
      state = 'mended';
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
