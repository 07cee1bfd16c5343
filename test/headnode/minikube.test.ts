import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeftoverError } from '../../src/errors.js';
import { bringUp } from '../../src/headnode/component.js';
import { minikubeComponent as minikube } from '../../src/headnode/minikube/component.js';
import { type MinikubePlan, minikubeDefaults, profileOf } from '../../src/headnode/minikube/minikube-plan.js';
import type { Host } from '../../src/hosts/host.js';
import { openHost } from '../../src/hosts/open.js';
import { startSshd } from '../hosts/sshd.js';
import { until } from '../lab/programs.js';
import { World } from './world.js';

// the machine of the test may be smaller than a headnode
const plan: MinikubePlan = { ...minikubeDefaults, memoryMib: 2048, diskMib: 1, firstPort: 31_443 };

describe('minikube on a headnode', () => {
  let world: World;
  let profile: string;

  beforeEach(() => {
    world = new World();
    profile = profileOf(world.at);
  });
  afterEach(() => world.close());

  const up = (more: Partial<MinikubePlan> = {}) => bringUp(minikube, world.at, { ...plan, ...more });
  const ours = (engine = 'docker') => {
    const { containers, volumes, networks } = world.things(engine);
    return { containers, volumes, networks };
  };
  const nothing = { containers: [], volumes: [], networks: [] };

  it('comes up, tells how far it is, is healthy, comes up again, and goes without a trace', async () => {
    const running = await up();
    expect(running).toMatchObject({ port: 31_443, context: profile, kubeconfig: `${world.dir}/minikube/kubeconfig` });
    expect(running.own?.nodePort).toBe(30_443);
    expect(running.own?.build.slice(-4)).toEqual(['-p', profile, 'image', 'build']);
    expect(statSync(running.kubeconfig).mode & 0o777).toBe(0o600);
    expect(world.things().containers[0]?.ports).toEqual(['127.0.0.1:31443:30443']);
    expect(world.progress).toEqual(
      expect.arrayContaining(['Pulling Base Image (5 of 19)', 'Verifying Kubernetes (17 of 19)', 'Done (19 of 19)']),
    );
    expect(world.progress.find(p => p.startsWith('fetching preloaded-images'))).toMatch(/lz4 25 %$/);
    expect(world.calls('minikube').at(-1)).toBe(`ssh -p ${profile} -- sudo mkdir -p /var/reana`);
    expect(await minikube.healthy(world.at)).toEqual(
      ['node', 'kubelet', 'apiserver'].map(name => ({ name, state: 'alive' })),
    );
    expect(await up()).toEqual(running);
    expect(world.things().containers).toHaveLength(1);
    await minikube.stop(world.at);
    expect(ours()).toEqual(nothing);
    // whose engine it was, is still known
    world.path.put('podman', '#!/bin/sh\necho cannot set user namespace >&2\nexit 1\n');
    await minikube.remove(world.at);
    expect(readdirSync(world.dir)).toEqual([]);
    expect(readdirSync(world.home)).toEqual(['.scailfin']);
  });

  it('runs in podman without root', async () => {
    world.kubernetes(['podman']);
    await up();
    const start = world.calls('minikube').find(c => c.startsWith('start'));
    expect(start).toContain('--driver=podman --rootless=true --container-runtime=containerd');
    expect(ours('podman').containers).toHaveLength(1);
    await minikube.remove(world.at);
    expect(ours('podman')).toEqual(nothing);
  });

  it('takes podman where docker is not for this user', async () => {
    world.kubernetes(['docker', 'podman']);
    world.trouble({ docker: 'denied' });
    await up();
    expect(ours('podman').containers).toHaveLength(1);
  });

  it('takes the next port where one is taken, and when it is taken between the look and the start', {
    tags: ['nightly'],
  }, async () => {
    const server: Server = createServer();
    await new Promise<void>(resolve => server.listen(31_443, '127.0.0.1', resolve));
    world.trouble({ port: 31_444 });
    try {
      expect((await up()).port).toBe(31_445);
    } finally {
      server.close();
    }
    expect(world.things().containers.map(c => c.ports)).toEqual([['127.0.0.1:31445:30443']]);
    expect(world.progress).toContain('port 31444 was taken meanwhile; 31445 it is');
  });

  it('goes on with a start that was under way when its caller was killed', { tags: ['nightly'] }, async () => {
    world.trouble({ pause: 2500 });
    await minikube.install(world.at, plan);
    await minikube.configure(world.at, plan);
    const first = minikube.start(world.at, plan);
    first.catch(() => {});
    await new Promise(resolve => setTimeout(resolve, 1200));
    const second = await minikube.start(world.at, plan);
    expect(second.port).toBe(31_443);
    await first;
    expect(world.calls('minikube').filter(c => c.startsWith('start'))).toHaveLength(1);
  });

  it('goes on when the connection breaks, and is joined by the next one', { tags: ['nightly'] }, async () => {
    const server = await startSshd();
    const hosts: Host[] = [];
    const at = async () => {
      const host = await openHost({ kind: 'ssh', host: 'box' }, { env: server.env });
      hosts.push(host);
      return { ...world.at, host: world.as(host) };
    };
    try {
      world.trouble({ pause: 3000 });
      const first = await at();
      await minikube.install(first, plan);
      await minikube.configure(first, plan);
      const broken = minikube.start(first, plan).then(
        () => 'it was not',
        (error: Error) => error.constructor.name,
      );
      await until('the start', 60_000, () => world.progress.some(p => p.startsWith('fetching')));
      for (const pid of server.sessions()) process.kill(pid, 'SIGKILL');
      expect(await broken).toBe('ConnectionError');
      expect((await minikube.start(await at(), plan)).port).toBe(31_443);
      expect(world.calls('minikube').filter(c => c.startsWith('start'))).toHaveLength(1);
      await minikube.remove(await at());
      expect(ours()).toEqual(nothing);
    } finally {
      for (const host of hosts) await host.close().catch(() => {});
      await server.stop();
    }
  });

  it('ends a start that is under way when it is taken down', { tags: ['nightly'] }, async () => {
    world.trouble({ pause: 60_000 });
    await minikube.install(world.at, plan);
    await minikube.configure(world.at, plan);
    const start = minikube.start(world.at, plan).catch((error: Error) => error.message);
    for (let n = 0; n < 100 && !existsSync(join(world.dir, 'minikube/.minikube/profiles', profile)); n++) {
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    await minikube.remove(world.at);
    expect(await start).toMatch(/killed|No such file/);
    expect(readdirSync(world.dir)).toEqual([]);
  });

  it('says that it was killed, and starts anew with the same command', { tags: ['nightly'] }, async () => {
    world.trouble({ die: true });
    await expect(up()).rejects.toThrow(/minikube can't start|does not start/);
    world.trouble({});
    expect((await up()).port).toBe(31_443);
  });

  it('is talked to without a proxy, whatever the headnode goes through', async () => {
    world.path.put(
      'helm',
      '#!/bin/sh\n[ "$1" = version ] && echo v3.18.4 && exit\necho "$@" "$NO_PROXY" "$no_proxy"\n',
    );
    await minikube.configure(world.at, plan);
    const run = async (...env: string[]) =>
      (await world.host.run(['env', ...env, `${world.dir}/minikube/bin/helm`, 'a b'])).stdout.trim();
    expect(await run()).toBe('a b 192.168.0.0/16 192.168.0.0/16');
    expect(await run('no_proxy=.edu')).toBe('a b .edu,192.168.0.0/16 .edu,192.168.0.0/16');
    expect(await run('NO_PROXY=x', 'no_proxy=y')).toBe('a b x,192.168.0.0/16 x,192.168.0.0/16');
  });

  describe('what is missing', { tags: ['nightly'] }, () => {
    const missing = async (what: Record<string, unknown>, more: Partial<MinikubePlan> = {}) => {
      world.trouble(what);
      return minikube.check(world.at, { ...plan, ...more });
    };

    it('an engine', async () => {
      world.kubernetes([]);
      expect(await missing({})).toEqual([
        {
          what: 'no container engine: neither docker nor podman is installed',
          hint: expect.stringContaining('--reana edge'),
        },
      ]);
      await expect(up()).rejects.toThrow("minikube can't run on this machine: no container engine");
    });

    it('its daemon, in its own words', async () => {
      expect(await missing({ docker: 'down' })).toEqual([
        {
          what: "docker can't be used: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
          hint: 'start it there: systemctl start docker',
        },
      ]);
    });

    it('the right to use it', async () => {
      const [denied] = await missing({ docker: 'denied' });
      expect(denied?.what).toMatch(/^docker can't be used: permission denied while trying to connect/);
      expect(denied?.hint).toContain('usermod -aG docker nobody');
    });

    it('memory, cores, disk and ports, all at once, and how much is there', async () => {
      const all = await missing({ memory: 1500, cpus: 1 }, { memoryMib: 6144, diskMib: 10 ** 9, firstPort: 65_435 });
      expect(all.map(m => m.what)).toEqual([
        '2 cores are wanted, 1 is there',
        expect.stringMatching(/^6144 MiB of memory are wanted, 1500 of \d+ MiB are free$/),
        expect.stringMatching(/^1000000000 MiB are needed where images are kept, but only \d+ MiB are free$/),
      ]);
    });

    it('what nodes without root need', async () => {
      world.kubernetes(['podman']);
      const what = async (trouble: Record<string, unknown>) => (await missing(trouble)).map(m => m.what);
      expect(await what({ cgroups: 1 })).toEqual(['podman without root needs cgroups version 2, which are not in use']);
      expect(await what({ controllers: ['memory', 'pids'] })).toEqual([
        'podman may not limit cpu: these cgroup controllers are not delegated to users',
      ]);
      expect(await what({ subuids: 'none' })).toEqual(['podman has no subordinate user ids for nobody']);
    });

    it('a newer docker', async () => {
      expect((await missing({ 'docker-version': '17.12.1-ce' }))[0]?.what).toMatch(/17.12.1-ce is too old/);
      expect(await missing({ 'docker-version': '20.10.24+dfsg1' })).toEqual([]);
    });
  });

  describe('what fails', { tags: ['nightly'] }, () => {
    const failure = async (what: Record<string, unknown>): Promise<{ message: string; hint: string }> => {
      world.trouble(what);
      return up().then(
        () => Promise.reject(new Error('it came up')),
        error => error,
      );
    };

    it('an image that can not be had', async () => {
      const { message, hint } = await failure({ start: 'pull' });
      expect(message).toContain(
        'docker: Error response from daemon: Get "https://gcr.io/v2/": dial tcp: lookup gcr.io',
      );
      expect(message).toContain('(INET_LOOKUP_HOST)');
      expect(message).toContain('before that: minikube cannot pull kicbase image from any docker registry');
      expect(hint).toContain('https_proxy');
    });

    it('a start that takes too long', async () => {
      const { message, hint } = await failure({ start: 'timeout' });
      expect(message).toContain('apiserver healthz never reported healthy');
      expect(hint).toContain('to clean up: scailfin down');
    });

    it('too little memory after all', async () => {
      const { message, hint } = await failure({ start: 'memory' });
      expect(message).toMatch(/less than the required 1800MiB for Kubernetes \(RSRC_INSUFFICIENT_CONTAINER_MEMORY\)$/);
      expect(hint).toContain('larger headnode');
    });

    it('a node that can not be prepared', async () => {
      const { message } = await failure({ ssh: 'Process exited with status 255' });
      expect(message).toContain("can't be prepared: ssh: Process exited with status 255");
    });

    it('another container engine than the one it runs in', async () => {
      world.kubernetes(['docker', 'podman']);
      await minikube.configure(world.at, plan);
      await expect(up({ driver: 'podman' })).rejects.toThrow('runs in docker, not in podman');
    });
  });

  describe('taking it down', { tags: ['nightly'] }, () => {
    const left = async (): Promise<readonly string[]> => {
      const error = await minikube.remove(world.at).catch(e => e);
      expect(error).toBeInstanceOf(LeftoverError);
      return (error as LeftoverError).left;
    };

    it('is done where there is nothing', async () => {
      await minikube.remove(world.at);
      world.kubernetes([]);
      await minikube.remove(world.at);
    });

    it('does not count as done if a container engine gives an odd answer; one that this user may not use had nothing of ours', async () => {
      world.trouble({ docker: 'denied' });
      await minikube.remove(world.at);
      world.path.put('docker', '#!/bin/sh\necho cannot set user namespace >&2\nexit 1\n');
      expect(await left()).toEqual([`docker can't be asked for the node ${profile}: cannot set user namespace`]);
    });

    it('goes by the label when records, files and minikube are gone', async () => {
      await up();
      await world.host.run(['rm', '-rf', join(world.dir, 'minikube')]);
      world.path.put('minikube', '#!/bin/sh\nexit 1\n');
      world.set('docker', {
        ...world.things(),
        containers: [...world.things().containers, { name: 'other', labels: { 'name.minikube.sigs.k8s.io': 'other' } }],
      });
      await minikube.remove(world.at);
      expect(ours()).toEqual({ ...nothing, containers: [expect.objectContaining({ name: 'other' })] });
    });

    it('goes on without minikube when that fails', async () => {
      await up();
      world.trouble({ delete: 'it is locked' });
      await minikube.remove(world.at);
      expect(ours()).toEqual(nothing);
    });

    it('names what remains, and why; the next time it goes', async () => {
      await up();
      world.trouble({ rm: 'volume' });
      expect(await left()).toEqual([
        `docker volume ${profile}: Error response from daemon: cannot remove volume "${profile}": device or resource busy`,
      ]);
      world.trouble({});
      await minikube.remove(world.at);
      expect(readdirSync(world.dir)).toEqual([]);
    });

    it('does not take silence for absence', async () => {
      await up();
      world.trouble({ docker: 'down' });
      expect(await left()).toEqual([
        expect.stringMatching(
          /^docker can't be asked for the node scailfin-mc-\w+: Cannot connect to the Docker daemon/,
        ),
      ]);
    });

    it('takes the image it brought, not one that was there', async () => {
      const image = (id: string) => ({ repository: 'gcr.io/k8s-minikube/kicbase', tag: 'v0.0.50', id });
      world.set('docker', { ...nothing, images: [image('old')] });
      await up();
      const python = { repository: 'python', tag: '3', id: 'python' };
      world.set('docker', { ...world.things(), images: [image('old'), image('new'), python] });
      await minikube.remove(world.at);
      expect(world.things().images.map(i => i.id)).toEqual(['old', 'python']);
    });
  });

  it('is asked for its health, in its own words', async () => {
    const states = async () =>
      (await minikube.healthy(world.at)).map(p => `${p.name} ${p.state} ${p.reason ?? ''}`.trim());
    expect(await states()).toEqual(['node dead nothing is set up']);
    await minikube.configure(world.at, plan);
    expect(await states()).toEqual(['node dead it was never started']);
    await up();
    world.trouble({ status: 'apiserver' });
    expect(await states()).toEqual(['node alive', 'kubelet alive', 'apiserver dead Stopped']);
    world.path.put('minikube', '#!/bin/sh\necho "minikube: cannot execute binary file" >&2\nexit 126\n');
    expect(await states()).toEqual(['node unknown minikube: cannot execute binary file']);
  });

  it('is called by names that two users of one Docker do not share', () => {
    expect(profileOf({ dir: '/home/alice/.scailfin/mc', cluster: 'mc' })).not.toBe(
      profileOf({ dir: '/home/bob/.scailfin/mc', cluster: 'mc' }),
    );
    expect(profile).toMatch(/^scailfin-mc-[0-9a-f]{6}$/);
  });
});
