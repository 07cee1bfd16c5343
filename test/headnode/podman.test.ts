import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Headnode } from '../../src/headnode/component.js';
import { minikubeComponent as minikube } from '../../src/headnode/minikube/component.js';
import { engineOf } from '../../src/headnode/minikube/container-engines.js';
import { look } from '../../src/headnode/minikube/look.js';
import { minikubeDefaults, profileOf } from '../../src/headnode/minikube/minikube-plan.js';
import { PodmanUser, podmanRoot } from './podman.js';

const podman = await podmanRoot();
if ('missing' in podman) process.stderr.write(`${podman.missing}: the real podman is not tried\n`);

describe.skipIf('missing' in podman)('the real podman, of an ordinary user', () => {
  let user: PodmanUser;
  const start = (subordinates = true): Headnode => {
    user = new PodmanUser('root' in podman ? podman.root : '', { subordinates });
    return { host: user.host, dir: join(user.home, 'mc'), cluster: 'mc', onProgress: () => {} };
  };
  const run = async (...words: string[]): Promise<string[]> =>
    (await user.host.run(['podman', ...words])).stdout.split('\n').filter(Boolean);
  afterEach(() => user.close());

  const engine = async (at: Headnode) => {
    const found = await look(at, minikubeDefaults);
    const words = found.engines.find(e => e.name === 'podman');
    if (!words) throw new Error('podman was not found');
    expect(words.room).toBeGreaterThan(0);
    return engineOf(words, { ...found, lingers: true });
  };

  it('is understood', async () => {
    const found = await engine(start());
    expect(found).toMatchObject({ rootless: true, cpus: cpus().length });
    expect(found.memoryMib).toBeGreaterThan(500);
    // what this machine's cgroups are, is not ours to say; that it has no other fault, is
    expect(found.missing.filter(m => !/cgroup/.test(m.what))).toEqual([]);
  });

  it('has no ids to give, where nobody gave it any', async () => {
    const { missing } = await engine(start(false));
    expect(missing.map(m => m.what)).toContain('podman has no subordinate user ids for pod');
  });

  it('loses what is labelled as ours, and nothing else', async () => {
    const at = start();
    const image = 'tar -C "$HOME" -cf - --files-from=/dev/null | podman import - gcr.io/k8s-minikube/kicbase:v0';
    await user.host.run(['sh', '-c', image]);
    for (const name of [profileOf(at), 'other']) {
      const label = `--label=name.minikube.sigs.k8s.io=${name}`;
      await run('volume', 'create', label, name);
      await run('network', 'create', label, name);
      await run(
        'create',
        '--name',
        name,
        label,
        '--volume',
        `${name}:/var`,
        'gcr.io/k8s-minikube/kicbase:v0',
        '/bin/true',
      );
    }
    await minikube.remove(at);
    expect(await run('ps', '-a', '--format', '{{.Names}}')).toEqual(['other']);
    expect(await run('volume', 'ls', '--format', '{{.Name}}')).toEqual(['other']);
    expect(await run('network', 'ls', '--format', '{{.Name}}')).toEqual(expect.not.arrayContaining([profileOf(at)]));
    expect(await run('network', 'ls', '--format', '{{.Name}}')).toContain('other');
  });
});
