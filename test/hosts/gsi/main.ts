import { readFileSync } from 'node:fs';
import { GsiServer } from './server.js';

// The double of gsisshd as a program: `main.ts FILE`, a JSON file with the names of all other files. Says on stdout
// where it listens, and then what happens.

interface Settings {
  readonly address: string;
  readonly port: number;
  /** Of SSH; PEM files of the host certificate and its key. */
  readonly hostKey: string;
  readonly certificate: string;
  readonly key: string;
  readonly certificates: string;
  readonly gridmap: string;
}

const { address, port, certificates, gridmap, ...files } = JSON.parse(
  readFileSync(process.argv[2] as string, 'utf8'),
) as Settings;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const server = new GsiServer({
  hostKey: readFileSync(files.hostKey, 'utf8'),
  certificate: readFileSync(files.certificate, 'utf8'),
  key: readFileSync(files.key, 'utf8'),
  certificates,
  gridmap,
  log: say,
});
say(`listening on ${address} port ${await server.listen(port, address)}`);
