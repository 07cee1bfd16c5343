import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { bringUp } from '../../src/headnode/component.js';
import { contextComponent as context } from '../../src/headnode/context/component.js';
import { kubernetesTools } from '../kubernetes/tools.js';
import { World } from './world.js';

const tools = await kubernetesTools();
if ('missing' in tools) process.stderr.write(`${tools.missing}: contexts are not tried\n`);

/** Stands in for an API server: the two paths that are asked, with a token, in the words of Kubernetes. */
class Api {
  version = 'v1.31.4';
  ready = true;
  #server: Server | undefined;

  async start(): Promise<string> {
    // kubectl shows its token to nobody without TLS
    const make = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=api',
      '-keyout',
      '-',
      '-out',
      '-',
    ];
    const pem = execFileSync('openssl', make, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    this.#server = createServer({ key: pem, cert: pem }, (request, response) => {
      const say = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (request.headers.authorization !== 'Bearer right') {
        say(401, {
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Failure',
          message: 'Unauthorized',
          reason: 'Unauthorized',
          code: 401,
        });
      } else if (request.url?.startsWith('/version')) {
        say(200, { major: '1', minor: '31', gitVersion: this.version, platform: 'linux/amd64' });
      } else if (request.url?.startsWith('/readyz')) {
        response
          .writeHead(this.ready ? 200 : 500)
          .end(this.ready ? 'ok' : '[-]etcd failed: reason withheld\nreadyz check failed');
      } else say(404, {});
    });
    await new Promise<void>(resolve => this.#server?.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}

describe.skipIf('missing' in tools)("somebody else's Kubernetes", () => {
  let world: World;
  let api: Api;
  let url: string;
  const plan = { context: 'theirs', firstPort: 31_543 };

  beforeEach(async () => {
    world = new World();
    if ('missing' in tools) return;
    for (const [name, path] of Object.entries(tools)) world.path.put(name, `#!/bin/sh\nexec ${path} "$@"\n`);
    api = new Api();
    url = await api.start();
    contexts(['theirs']);
  });
  afterEach(() => {
    api.stop();
    world.close();
  });

  /** A kubeconfig in the user's home. */
  function contexts(names: readonly string[], token = 'right', file = '.kube/config'): string {
    const path = join(world.home, file);
    mkdirSync(dirname(path), { recursive: true });
    const clusters = names.map(name => ({ name, cluster: { server: url, 'insecure-skip-tls-verify': true } }));
    const users = names.map(name => ({ name, user: { token } }));
    const of = names.map(name => ({ name, context: { cluster: name, user: name } }));
    writeFileSync(path, stringify({ apiVersion: 'v1', kind: 'Config', clusters, users, contexts: of }));
    chmodSync(path, 0o644);
    return path;
  }
  const missing = async (more = {}) => (await context.check(world.at, { ...plan, ...more })).map(m => m.what);

  it('is found by its context, is as healthy as it says, and is left alone', async () => {
    const running = await bringUp(context, world.at, plan);
    expect(running).toMatchObject({ context: 'theirs', port: 31_543, kubeconfig: join(world.home, '.kube/config') });
    expect(running.own).toBeUndefined();
    expect(await bringUp(context, world.at, { ...plan, firstPort: 31_600 })).toEqual(running);
    expect(await context.healthy(world.at)).toEqual([{ name: 'apiserver', state: 'alive' }]);
    api.ready = false;
    expect(await context.healthy(world.at)).toEqual([
      { name: 'apiserver', state: 'unknown', reason: expect.stringContaining('readyz check failed') },
    ]);
    await context.stop(world.at);
    await context.remove(world.at);
    expect(readdirSync(world.dir)).toEqual([]);
    expect(readdirSync(join(world.home, '.kube'))).toEqual(['config']);
  });

  it('is one of several files, of which one is made for it alone', async () => {
    const files = [contexts(['mine'], 'other', 'a'), contexts(['theirs'], 'right', 'b')].join(':');
    expect(await missing({ kubeconfig: files })).toEqual([]);
    expect(readdirSync(world.dir)).toEqual([]);
    const { kubeconfig } = await bringUp(context, world.at, { ...plan, kubeconfig: files });
    expect(kubeconfig).toBe(join(world.dir, 'context/kubeconfig'));
    expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
    expect(await context.healthy(world.at)).toEqual([{ name: 'apiserver', state: 'alive' }]);
  });

  it('must have that context', async () => {
    const file = join(world.home, '.kube/config');
    expect(await missing({ context: 'three' })).toEqual([
      `${file} on this machine has no context three: there is theirs`,
    ]);
    rmSync(file);
    expect(await missing()).toEqual([`${file} on this machine has no context theirs: there is none`]);
    await expect(bringUp(context, world.at, plan)).rejects.toMatchObject({
      hint: 'choose a context: --kubernetes context:NAME; or use your own Kubernetes: --kubernetes minikube',
    });
  });

  it("must answer; if it doesn't, its words or kubectl's tell why", async () => {
    contexts(['theirs'], 'wrong');
    expect(await missing()).toEqual([
      'the Kubernetes of the context theirs does not answer: error: You must be logged in to the server (the server has asked for the client to provide credentials)',
    ]);
    contexts(['theirs']);
    api.version = 'v1.20.15+k3s1';
    expect((await missing())[0]).toMatch(/is v1.20.15\+k3s1; REANA needs v1.21.0 or newer/);
    api.stop();
    expect((await missing())[0]).toMatch(/does not answer: The connection to the server 127.0.0.1:\d+ was refused/);
  });

  it('is asked once there is a kubectl', async () => {
    world.path.only();
    expect(await missing({ context: 'three' })).toEqual([]);
  });
});
