import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Sends bytes that no HTTP client would send over one connection, and returns every answer until the server closes its
 * side. The last request has to ask for that.
 */
export async function exchange(port: number, ...sent: (string | Buffer)[]): Promise<RawAnswer[]> {
  const socket = connect({ port, host: '127.0.0.1' });
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  const closed = new Promise<void>((resolve, reject) => {
    socket.once('end', resolve);
    socket.once('error', reject);
  });
  for (const part of sent) socket.write(part);
  await closed.finally(() => socket.destroy());
  return answersIn(Buffer.concat(received));
}

function answersIn(received: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = received; rest.length > 0;) {
    const [statusLine = '', ...lines] = rest.toString('latin1').split('\r\n\r\n')[0]?.split('\r\n') ?? [];
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const bodyAt = rest.indexOf('\r\n\r\n') + 4;
    const end = bodyAt + Number(headers['content-length'] ?? 0);
    answers.push({ status: Number(statusLine.split(' ')[1]), headers, text: rest.toString('utf8', bodyAt, end) });
    rest = rest.subarray(end);
  }
  return answers;
}
