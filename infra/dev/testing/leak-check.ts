import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

const patienceMs = 5_000;
const pollMs = 50;

/**
 * Node's own names for what keeps a process running, with what they mean. Pipes are left out, since each child process
 * has some.
 */
const kinds: Readonly<Record<string, string>> = {
  TCPSocketWrap: 'connections',
  TCPServerWrap: 'listening sockets',
  TLSWrap: 'TLS connections',
  ProcessWrap: 'child processes',
  MessagePort: 'worker threads',
  Timeout: 'timers',
};

type Counts = ReadonlyMap<string, number>;

/**
 * Adds a hook to each suite at the top level that fails, and names what is left, if the suite leaves something running:
 * a connection, a server, a child process, a thread or a timer. What the suite has just closed gets 5 s to end.
 */
export async function failOnLeaks(root: Mocha.Suite): Promise<void> {
  // Mocha starts a timer of its own for each hook that returns a promise. After this, every count includes one.
  await nextTurn();
  let before = count();
  for (const suite of root.suites) {
    suite.afterAll('leaves nothing running', async () => {
      await nextTurn();
      const allowed = before;
      const leaked = await waitUntilGone(allowed);
      before = count();
      if (leaked.length > 0) throw new Error(`"${suite.title}" has left running: ${leaked.join(', ')}`);
    });
  }
}

async function waitUntilGone(allowed: Counts): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const leaked = [...count()].flatMap(([kind, now]) => {
      const more = now - (allowed.get(kind) ?? 0);
      return more > 0 ? [`${more} ${kinds[kind]}`] : [];
    });
    if (leaked.length === 0 || Date.now() > deadline) return leaked;
    await sleep(pollMs, undefined, { ref: false });
  }
}

function count(): Counts {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind in kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
