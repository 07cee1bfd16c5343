import { readFileSync } from 'node:fs';
import type { AcceptorOptions } from './acceptor.js';
import { GsiServer } from './server.js';

// The double of gsisshd as a program: `main.ts FILE`, a JSON file with the names of all other files. Says on stdout
// when it is open, and then what happens.

/** A port, and what TLS it takes there if not any. */
export interface Door {
  readonly port: number;
  readonly tls?: AcceptorOptions['tls'];
}

interface Settings {
  readonly address: string;
  readonly doors: readonly Door[];
  /** Of SSH; PEM files of the host certificate and its key. */
  readonly hostKey: string;
  readonly certificate: string;
  readonly key: string;
  readonly certificates: string;
  readonly gridmap: string;
}

const { address, doors, certificates, gridmap, ...files } = JSON.parse(
  readFileSync(process.argv[2] as string, 'utf8'),
) as Settings;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
for (const { port, tls } of doors) {
  const server = new GsiServer({
    hostKey: readFileSync(files.hostKey, 'utf8'),
    certificate: readFileSync(files.certificate, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
    certificates,
    gridmap,
    log: say,
    ...(tls ? { tls } : {}),
  });
  await server.listen(port, address);
}
say(`open: ${doors.map(door => `${address} port ${door.port}`).join(', ')}`);
