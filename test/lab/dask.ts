import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { HostName, Lab } from './lab.js';
import { fetchedWheels } from './wheels.js';

const requirements = fileURLToPath(new URL('../../templates/worker/dask/requirements.txt', import.meta.url));

/** Lets pip on a lab's host, which has no network, find Dask. */
export async function offerDask(lab: Lab, host: HostName): Promise<void> {
  const dir = await fetchedWheels([requirements]);
  const { stdout } = await execa('tar', ['-c', '-C', dir, '.'], { encoding: 'buffer', maxBuffer: 2 ** 28 });
  await lab.write(host, '/opt/wheels.tar', Buffer.from(stdout), { user: 'root' });
  const unpack =
    'mkdir -p /opt/wheels && tar -xf /opt/wheels.tar -C /opt/wheels && rm /opt/wheels.tar && chmod -R a+rX /opt/wheels';
  await lab.exec(host, ['sh', '-c', unpack], { user: 'root' });
  await lab.write(host, '.config/pip/pip.conf', '[global]\nno-index = true\nfind-links = /opt/wheels\n');
}
