import { execa } from 'execa';
import type { PythonEngine } from '../../../src/reana/engines/python.js';
import type { HostName, Lab } from '../../lab/lab.js';
import { fetchedWheels } from '../../lab/wheels.js';
import { requirements } from './workflows.js';

/** What a workflow language's engine needs, from PyPI; the directory that `offerWheels` uses. */
export const engineWheels = (kind: PythonEngine): Promise<string> =>
  fetchedWheels([requirements('build'), requirements(kind)]);

/** Lets pip on a lab's host, which has no network, find what a workflow language's engine needs. */
export async function offerWheels(lab: Lab, host: HostName, kind: PythonEngine): Promise<void> {
  const dir = await engineWheels(kind);
  const { stdout } = await execa('tar', ['-c', '-C', dir, '.'], { encoding: 'buffer', maxBuffer: 2 ** 28 });
  await lab.write(host, '/opt/wheels.tar', Buffer.from(stdout), { user: 'root' });
  const unpack =
    'mkdir -p /opt/wheels && tar -xf /opt/wheels.tar -C /opt/wheels && rm /opt/wheels.tar && chmod -R a+rX /opt/wheels';
  await lab.exec(host, ['sh', '-c', unpack], { user: 'root' });
  await lab.write(host, '.config/pip/pip.conf', '[global]\nno-index = true\nfind-links = /opt/wheels\n');
}
