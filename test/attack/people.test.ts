import { createHash } from 'node:crypto';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lackOf } from '../../src/reana/edge/people/rules.js';
import type { Parts } from '../../src/reana/edge/routes/parts.js';
import { allRoutes } from '../../src/reana/edge/server.js';
import { openJobController } from '../../src/reana/jobcontroller/server.js';
import { until } from '../lab/programs.js';
import type { Asker } from '../reana/edge/asker.js';
import { TestEdge, token } from '../reana/edge/edges.js';
import { FakeSteps } from '../reana/steps.js';
import { attack } from './attack.js';

const by = 'a client with the token' as const;
const secret = 'what only alice may see';

/** All routes: making them needs none of their parts. */
const routes = allRoutes({} as Parts, 'a-token-of-nobody');

describe('one person attacks another', () => {
  let edge: TestEdge;
  let alice: Asker;
  let bob: Asker;
  let id: string;
  let step: string;
  beforeAll(async () => {
    edge = await TestEdge.open();
    alice = await edge.add('alice');
    bob = await edge.add('bob');
    id = await alice.start([`echo '${secret}' | tee secret.txt; mkdir -p deep; cp secret.txt deep; wait`], 'analysis', {
      outputs: { files: ['secret.txt'] },
    });
    await until('the step', 60_000, async () => edge.steps.of(id).length > 0);
    step = edge.steps.of(id)[0]?.id ?? '';
    await alice.upload(id, 'secret.txt', secret);
    await alice.json('POST', '/api/secrets', { KEY: { type: 'env', value: Buffer.from(secret).toString('base64') } });
    await bob.create(['true'], 'mine');
  });
  afterAll(() => edge?.close());

  /** Whether an answer tells anything of alice's run. */
  const tells = (text: string): boolean =>
    [secret, id, step, 'analysis.1', 'secret.txt'].some(word => text.includes(word));

  attack(
    { by, on: 'here', what: 'asks every route for the run of another, by its id and by its names' },
    async count => {
      const asked = routes.filter(({ rule }) => rule.may !== 'anybody');
      expect(asked.length).toBeGreaterThan(40);
      for (const { method, path, rule } of asked) {
        for (const wanted of [
          id,
          id.toUpperCase(),
          id.replaceAll('-', ''),
          'analysis',
          'analysis.1',
          '*',
          '%2e%2e',
          `../workspaces/${id}`,
        ]) {
          const word = encodeURIComponent(wanted);
          const filled = path
            .replace(/\*$/, 'secret.txt')
            .replace('/api/workflows/:a/diff/:b', `/api/workflows/mine.1/diff/${word}`)
            .replaceAll(/:(run|a|b)\b/g, word)
            .replace(':step', encodeURIComponent(wanted === id ? step : wanted))
            .replace(':person', 'alice')
            .replace(':type', 'jupyter');
          const query = new URLSearchParams({ run: wanted, path: `/api/workflows/${wanted}/workspace/secret.txt` });
          for (const [name, value] of Object.entries({
            file_name: 'secret.txt',
            source: 'secret.txt',
            target: 'x',
            status: 'deleted',
          })) {
            query.set(name, value);
          }
          const init: RequestInit =
            method === 'GET' ? {} : { body: '{}', headers: { 'Content-Type': 'application/json' } };
          const stop = new AbortController();
          const response = await bob.fetch(`${filled}?${query}`, { method, ...init, signal: stop.signal });
          // a stream goes on for ever: its beginning has everything
          const isStream = response.headers.get('content-type') === 'text/event-stream';
          const said = isStream ? await firstOf(response) : await response.text();
          stop.abort();
          expect(tells(said.replaceAll(wanted, '…')), `${method} ${filled}: ${said}`).toBe(false);
          const isAboutRun = 'runs' in rule || 'step' in rule;
          if (isAboutRun) expect([400, 404], `${method} ${filled}: ${said}`).toContain(response.status);
          if (rule.may === 'owner') expect(response.status).toBe(403);
          count();
        }
      }
      expect(await alice.status(id)).toBe('running');
      expect(await (await alice.fetch(`/api/workflows/${id}/workspace/secret.txt`)).text()).toBe(secret);
      expect(await bob.json('GET', '/api/secrets')).toEqual([]);
    },
  );

  attack(
    { by, on: 'here', what: 'takes lists, pages, events and filters for a way to runs of others' },
    async count => {
      for (const query of [
        '',
        '?shared=true',
        '?shared_by=alice',
        '?shared_by=anybody',
        '?shared_with=bob',
        `?workflow_id_or_name=${id}`,
        '?search={"name":["analysis"]}',
        '?size=1000&page=1',
        '?type=interactive',
        '?verbose=true&include_workspace_size=true',
        '?user=alice',
        '?status=running',
      ]) {
        expect(tells(await (await bob.fetch(`/api/workflows${query}`)).text()), query).toBe(false);
        count();
      }
      for (const path of ['/api/edge/overview', `/api/edge/overview?run=${id}`, '/api/users/shared-with-you']) {
        expect(tells(await (await bob.fetch(path)).text()), path).toBe(false);
        count();
      }
      const stop = new AbortController();
      const response = await bob.fetch(`/api/edge/events?run=${id}`, { signal: stop.signal });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const seen: string[] = [];
      const reading = (async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          seen.push(Buffer.from(value).toString());
        }
      })().catch(() => {});
      await alice.create(['true'], 'analysis');
      await bob.create(['true'], 'mine');
      await until('the event of a run of mine', 60_000, async () => seen.join('').includes('mine.2'));
      stop.abort();
      await reading;
      expect(tells(seen.join(''))).toBe(false);
      expect(seen.join('')).not.toContain('analysis');
      count();
    },
  );

  attack({ by, on: 'here', what: 'uses tickets, tokens and connections of others' }, async count => {
    const path = `/api/workflows/${id}/workspace/secret.txt`;
    const { ticket } = await bob.json('GET', `/api/edge/ticket?path=${encodeURIComponent(path)}`);
    expect((await fetch(`${edge.url}${path}?ticket=${ticket}`)).status).toBe(404);
    count();
    const { ticket: hers } = await alice.json('GET', `/api/edge/ticket?path=${encodeURIComponent(path)}`);
    for (const [url, wanted] of [
      [`${path}?ticket=${hers}`, 200],
      [`${path}x?ticket=${hers}`, 403],
      [`/api/workflows?ticket=${hers}`, 403],
      [`${path}?ticket=${hers}x`, 401],
    ] as const) {
      count();
      const { status } = await fetch(`${edge.url}${url}`);
      expect(wanted === 200 ? [200] : [401, 403], url).toContain(status);
    }
    for (const guess of [
      '',
      'x',
      alice.token.slice(0, -1),
      `${alice.token}x`,
      alice.token.toUpperCase(),
      token.slice(1),
      'null',
      'undefined',
      '0'.repeat(64),
    ]) {
      count();
      expect([401, 403]).toContain((await edge.as(guess).fetch(`/api/workflows/${id}/status`)).status);
    }
    // the hash on the headnode is no token
    const hash = createHash('sha256').update(alice.token).digest('hex');
    expect((await edge.as(hash).fetch('/api/you')).status).toBe(403);
    // a connection on which alice was known does not make bob alice
    const socket = connect(Number(edge.edge?.port), '127.0.0.1');
    const ask = (who: string): string =>
      `GET /api/workflows/${id}/status?access_token=${who} HTTP/1.1\r\nHost: x\r\n\r\n`;
    let said = '';
    socket.on('data', data => {
      said += data;
    });
    socket.write(ask(alice.token) + ask(bob.token) + ask('nobody'));
    await until('three answers', 60_000, async () => said.split('HTTP/1.1 ').length === 4);
    socket.destroy();
    expect(said.split('HTTP/1.1 ').map(text => text.slice(0, 3))).toEqual(['', '200', '404', '403']);
    count();
  });

  attack({ by, on: 'here', what: 'creates, restarts and links to get at the files of another' }, async count => {
    const spec = (more: object) => ({
      workflow: {
        type: 'serial',
        specification: {
          steps: [{ name: 'x', environment: 'x', commands: ['ls > seen; cat secret.txt >> seen || true'] }],
        },
      },
      ...more,
    });
    for (const more of [
      { workspace: { root_path: join(edge.dir, 'workspaces', id) } },
      { workspace: id, id, owner: 'alice', workflow_uuid: id },
      { inputs: { parameters: { workspace: id }, files: [`../${id}/secret.txt`] } },
      { outputs: { files: [join(edge.dir, 'workspaces', id, 'secret.txt')] } },
    ]) {
      count();
      const answer = await bob
        .json('POST', `/api/workflows?workflow_name=theft&workspace=${id}&user=alice`, spec(more))
        .catch(() => undefined);
      if (!answer) continue;
      const run = answer.workflow_id;
      await bob.json('POST', `/api/workflows/${run}/start`, {
        input_parameters: { workspace: id },
        reana_specification: spec(more),
      });
      await until('the run to end', 60_000, async () => (await bob.status(run)) === 'finished');
      expect(await (await bob.fetch(`/api/workflows/${run}/workspace/seen`)).text()).not.toContain(secret);
    }
    await expect(bob.json('POST', `/api/workflows/${id}/start`, { restart: true })).rejects.toThrow('404');
    // what a step can leave in its workspace
    const { id: mine } = await bob.json('GET', '/api/workflows/mine.1/status');
    const root = join(edge.dir, 'workspaces', mine);
    const hers = join(edge.dir, 'workspaces', id);
    await mkdir(root, { recursive: true });
    await symlink(hers, join(root, 'dir'));
    await symlink(join(hers, 'secret.txt'), join(root, 'file'));
    await symlink(`../${id}`, join(root, 'near'));
    await writeFile(join(root, 'ok.txt'), 'ok');
    for (const path of [
      'dir',
      'dir/secret.txt',
      'file',
      'near/secret.txt',
      '**/secret.txt',
      'dir/*',
      'near/../near/secret.txt',
      '%2e%2e/x',
    ]) {
      for (const ask of [`workspace/${path}`, `workspace?file_name=${path}`, `workspace/${path}?preview=true`]) {
        count();
        const text = await (await bob.fetch(`/api/workflows/${mine}/${ask}`)).text();
        expect(text, ask).not.toContain(secret);
        expect(text, ask).not.toContain('deep');
      }
    }
    const zip = await (await bob.fetch(`/api/workflows/${mine}/workspace/*`)).text();
    expect(zip).not.toContain(secret);
    for (const name of ['dir/planted', 'near/planted', `../${id}/planted`]) {
      count();
      expect((await bob.upload(mine, name, 'x')).status).toBe(400);
      expect(
        (
          await bob.fetch(`/api/workflows/move_files/${mine}?source=ok.txt&target=${encodeURIComponent(name)}`, {
            method: 'PUT',
          })
        ).status,
      ).not.toBe(200);
    }
    await bob.fetch(`/api/workflows/${mine}/workspace/dir%2F*`, { method: 'DELETE' });
    await bob.fetch(`/api/workflows/${mine}/prune?include_inputs=true&include_outputs=true`, { method: 'POST' });
    expect((await readdir(hers)).sort()).toContain('secret.txt');
    expect(await readdir(hers)).not.toContain('planted');
    // the same names do not mean the same runs
    await bob.create(['true'], 'analysis');
    await bob.json('PUT', '/api/workflows/analysis/status?status=deleted', { all_runs: true });
    expect(await alice.status(id)).toBe('running');
  });

  attack(
    { by: 'a workflow', on: 'here', what: "uses its engine's job controller for the run of another" },
    async count => {
      const steps = new FakeSteps(() => undefined);
      const of = (workflow: string) => ({ workflow, workspace: `/w/${workflow}`, environment: {} });
      const [hers, mine] = await Promise.all(['hers', 'mine'].map(name => openJobController(of(name), steps)));
      if (!hers || !mine) throw new Error('no controllers');
      try {
        const job = { job_name: 'x', docker_img: 'x', cmd: Buffer.from('true').toString('base64') };
        const ask = (at: { port: number }, who: { token: string }, path: string, init: RequestInit = {}) =>
          fetch(`http://127.0.0.1:${at.port}${path}`, {
            ...init,
            headers: { Authorization: `Bearer ${who.token}`, 'Content-Type': 'application/json' },
          });
        const made = await ask(hers, hers, '/jobs', { method: 'POST', body: JSON.stringify(job) });
        const { job_id } = (await made.json()) as { job_id: string };
        for (const path of ['/jobs', `/jobs/${job_id}`, `/jobs/${job_id}/logs`]) {
          count();
          expect((await ask(hers, mine, path)).status).toBe(401);
          const other = await ask(mine, mine, path);
          expect([other.status, (await other.text()).includes(`"${job_id}"`)]).toEqual([
            path === '/jobs' ? 200 : 404,
            false,
          ]);
        }
        for (const more of [{ workflow_uuid: 'hers' }, { workflow_workspace: '/w/hers' }]) {
          count();
          const { status } = await ask(mine, mine, '/jobs', {
            method: 'POST',
            body: JSON.stringify({ ...job, ...more }),
          });
          expect(status).toBe(400);
        }
        count();
        expect((await ask(mine, mine, `/jobs/${job_id}`, { method: 'DELETE' })).status).toBe(404);
        expect(steps.get(job_id)?.state).toBe('running');
        // nor can it say whose step it is
        const account = { name: 'hers', person: 'hers' };
        await ask(mine, mine, '/jobs', {
          method: 'POST',
          body: JSON.stringify({ ...job, account, accounting_group: 'hers', htcondor_accounting_group: 'hers' }),
        });
        expect(steps.requests.at(-1)?.account).toBeUndefined();
        count();
      } finally {
        await Promise.all([hers.close(), mine.close()]);
      }
    },
  );

  it('and a route without a rule is not served', async () => {
    expect(routes.flatMap(route => lackOf(route) ?? [])).toEqual([]);
    expect(lackOf({ path: '/api/workflows/:run/new' })).toContain('does not say who may use it');
    expect(lackOf({ path: '/api/workflows/:run/new', rule: { may: 'user' } })).toContain('its run');
    expect(lackOf({ path: '/api/x/:a/:b', rule: { may: 'read', runs: ['a'] } })).toContain('its b');
    expect(lackOf({ path: '/api/x/:step', rule: { may: 'read', runs: ['run'] } })).toContain('its step');
    // those that need no token, and those for the owner alone: a new one has to be written here
    expect(routes.filter(({ rule }) => rule.may === 'anybody').map(({ path }) => path)).toEqual([
      ...['/api/ping', '', '/page/:file', '/api/scailfin/proof'],
    ]);
    expect(routes.filter(({ rule }) => rule.may === 'owner').map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/edge/people',
      'PUT /api/edge/people/:person',
      'DELETE /api/edge/people/:person',
    ]);
  });
});

async function firstOf(response: Response): Promise<string> {
  const { value } = await (response.body as ReadableStream<Uint8Array>).getReader().read();
  return Buffer.from(value ?? new Uint8Array()).toString();
}
