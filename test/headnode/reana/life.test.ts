import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bringUp } from '../../../src/headnode/component.js';
import { reana } from '../../../src/headnode/reana/reana.js';
import type { ReanaSecrets } from '../../../src/headnode/reana/reana-secrets.js';
import { freePorts } from '../../kubernetes/daemons.js';
import { planeUnavailable } from '../../kubernetes/plane.js';
import { type Cluster, FAST, World } from './world.js';

const why = await planeUnavailable();

interface Named {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

describe.skipIf(why)(`REANA on a Kubernetes${why ? ` (skipped: ${why})` : ''}`, () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });

  afterAll(() => world.stop());
  afterEach(() => world.clear());

  const secretsOf = (cluster: Cluster) =>
    JSON.parse(readFileSync(cluster.file('secrets.json'), 'utf8')) as ReanaSecrets;

  async function inSecret(cluster: Cluster, name: string, key: string): Promise<string> {
    const encoded = await cluster.kubectl(
      'get',
      'secret',
      `${cluster.release}-${name}`,
      '-o',
      `jsonpath={.data.${key}}`,
    );
    return Buffer.from(encoded, 'base64').toString();
  }

  // first: afterwards others have had the nodes' storage
  it('is among others, and takes away nothing but its own', { timeout: 180_000 }, async () => {
    const { own: _own, ...others } = world.cluster('beta').plan.kubernetes;
    const [port = 0] = await freePorts(1);
    const cluster = world.cluster('beta', { kubernetes: { ...others, port } });
    const { component, at, plan } = cluster;
    await world.plane.kubectl(['create', 'namespace', 'others']);
    await world.plane.kubectl(['create', 'deployment', 'theirs', '--image=x', '--namespace', 'others']);
    await world.plane.kubectl(['create', 'clusterrole', 'theirs', '--verb=get', '--resource=pods']);
    const theirs = async () => {
      const list = await world.plane.get<{ items: Named[] }>('deployments,clusterroles', '--namespace', 'others');
      const kept = list.items.filter(one => one.metadata.name === 'theirs');
      return kept.map(one => one.metadata.uid);
    };
    const before = await theirs();
    expect(before).toHaveLength(2);

    // as after an answer that was not heard: REANA tells a token once
    world.keep('token', 'a-token-that-was-lost');
    expect(await bringUp(component, at, plan)).toMatchObject({ token: 'a-token-that-was-lost' });
    const services = await cluster.kubectl('get', 'services', '-o', 'jsonpath={.items[*].spec.type}');
    expect(services).not.toContain('NodePort');
    await world.plane.kubectl(['cordon', 'plane']);
    const hasty = reana({ ...FAST, pollMs: 40 });
    await expect(hasty.remove(at)).rejects.toThrow(
      /not gone from plane:\n.*\/var\/reana\/db.*does not end\n.*namespace/,
    );
    await world.plane.kubectl(['uncordon', 'plane']);
    await component.remove(at);

    const names = await world.plane.kubectl(['get', 'namespaces', '-o', 'name']);
    expect(names).not.toContain(cluster.namespace);
    expect(names).toContain('namespace/others');
    const left = await world.plane.kubectl(['get', 'clusterroles,clusterrolebindings,storageclasses', '-o', 'name']);
    expect(left).not.toContain(cluster.release);
    expect(await theirs()).toEqual(before);
  });

  it('comes up, ends, comes back with what it had, and goes', { timeout: 180_000 }, async () => {
    const cluster = world.cluster('alpha');
    const { component, at, plan } = cluster;
    world.keep('db-starting', '2');
    const running = await bringUp(component, at, plan);

    expect(running).toMatchObject({ port: world.serverPort, email: 'alice@example.org', token: world.kept('token') });
    expect(running.password).toBe(world.kept('password'));
    expect(world.kept('db-password')).toBe(secretsOf(cluster).database);
    expect(await inSecret(cluster, 'db-secrets', 'password')).toBe(secretsOf(cluster).database);
    expect(await inSecret(cluster, 'admin-access-token', 'ADMIN_ACCESS_TOKEN')).toBe(running.token);
    const given = world.server.secrets.get('scailfin-pool-token');
    expect(given).toEqual({ type: 'file', value: Buffer.from('pool-token').toString('base64') });
    for (const name of ['secrets.json', 'values.yaml', 'kubernetes.json']) {
      expect(statSync(cluster.file(name)).mode & 0o777).toBe(0o600);
    }
    expect(new Set((await component.healthy(at)).map(part => part.state))).toEqual(new Set(['alive']));
    expect(cluster.told).toContain('installing the chart');

    const commands = cluster.host.commands.join('\n');
    expect(commands).toContain('create-admin-user');
    const secret = [...Object.values(secretsOf(cluster)), running.token, 'pool-token'];
    expect(secret.filter(one => commands.includes(one))).toEqual([]);

    const again = await bringUp(component, at, plan);
    expect(again).toEqual(running);
    expect(world.kept('commands').split('\n')).toHaveLength(1);

    await component.stop(at);
    expect(await cluster.kubectl('get', 'pods,deployments,statefulsets,services', '-o', 'name')).toBe('');
    expect((await component.healthy(at))[0]).toMatchObject({
      state: 'dead',
      reason: expect.stringContaining('nothing'),
    });
    await component.stop(at);
    const before = secretsOf(cluster);
    rmSync(cluster.at.dir, { recursive: true });
    expect(await bringUp(component, at, plan)).toEqual(running);
    expect(secretsOf(cluster)).toEqual(before);

    await component.remove(at);
    expect(existsSync(cluster.file(''))).toBe(false);
    expect((await component.healthy(at))[0]).toMatchObject({ reason: 'it has never been installed' });
    await component.remove(at);
  });
});
