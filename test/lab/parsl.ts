import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from './lab.js';
import { offer } from './wheels.js';

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Lets pip on a lab's host, which has no network, find Parsl, and puts a program for it there: /opt/program.py */
export async function offerParsl(lab: Lab, host: HostName): Promise<void> {
  await offer(lab, host, [beside('../../templates/worker/parsl/requirements.txt')]);
  await lab.write(host, '/opt/program.py', readFileSync(beside('parsl/program.py')), { user: 'root' });
}
