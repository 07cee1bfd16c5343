import { arch } from 'node:os';

/** Values for the settings of a glide-in (templates/glidein/settings.ejs) that a test starts by itself; `own` takes precedence. */
export const glideinValues = (own: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...{ cluster: 'x', site: 'here', address: '127.0.0.1', port: 1, isRelayed: false, trustDomain: 'x.scailfin' },
  ...{ payload: '/p', payloadGlibc: '2.2', payloadArch: arch() === 'x64' ? 'x86_64' : 'aarch64' },
  ...{ walltime: 600, idleTimeout: 60, lostHeadnode: 600, isLimited: false },
  ...{ gpus: 0, runtimes: '', stepLauncher: 'none', binds: '', images: '', localDirectory: '' },
  ...{ webProxy: '', webDirect: '' },
  ...own,
});
