import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { pythonWith } from '../lab/python.js';
import { TestEdge, token } from './edge/edges.js';
import { LocalSteps } from './local-steps.js';
import { ask, Browser, opens } from './sessions/browser.js';

const beside = (name: string): string => fileURLToPath(new URL(`sessions/${name}`, import.meta.url));
/** A stand-in of Jupyter, which says what it was asked. */
const standIn = `${beside('')}:/usr/bin:/bin`;

describe('interactive sessions', () => {
  let edge: TestEdge;
  let steps: LocalSteps;
  let scratch: string;
  let python: string;
  beforeAll(async () => {
    python = await pythonWith(beside('requirements.txt'));
  }, 600_000);
  const start = async (more: Parameters<typeof TestEdge.open>[0] = {}, path = standIn) => {
    scratch = mkdtempSync(join(tmpdir(), 's-'));
    steps = new LocalSteps(join(scratch, 'steps'));
    steps.path = path;
    steps.around = { TMPDIR: scratch };
    edge = await TestEdge.open({ ...more, steps });
  };
  afterEach(async () => {
    await edge.close();
    for (const { workflow } of steps.requests)
      for (const { id } of steps.of(workflow)) await steps.stop(id).catch(() => {});
    await steps.close();
    await rm(scratch, { recursive: true, force: true });
  });
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what tests are about
  const sessions = async (): Promise<any[]> => (await edge.json('GET', '/api/workflows?type=interactive')).items;
  const begun = async (run: string): Promise<string> => {
    const { path } = await edge.json('POST', `/api/workflows/${run}/open/jupyter`, { image: null });
    await until('the session to run', 60_000, async () => (await sessions())[0]?.session_status !== 'created');
    return path;
  };
  const port = (): number => Number(new URL(edge.url).port);

  it('run a cell of a real Jupyter, whose files come back', async () => {
    await start({}, `${dirname(python)}:/usr/bin:/bin`);
    const run = await edge.create(['true']);
    await edge.upload(run, 'in.txt', 'from the run');
    const browser = await Browser.open(edge.url, await begun(run));
    const code = "import os; print(open('in.txt').read(), 2**70); open('out.txt', 'w').write('from the kernel')";
    const url = `${edge.url}${browser.path}`;
    const { stdout } = await execa(python, [beside('cell.py'), url, browser.host, browser.cookie, code]);
    expect(stdout).toBe('from the run 1180591620717411303424');
    await edge.json('POST', `/api/workflows/${run}/close`, {});
    expect(await sessions()).toEqual([]);
    expect(await (await edge.fetch(`/api/workflows/${run}/workspace/out.txt`)).text()).toBe('from the kernel');
    expect(readdirSync(scratch).filter(name => name.startsWith('session-'))).toEqual([]);
  });

  it('are opened and closed as in REANA, one for each run', async () => {
    await start();
    const run = await edge.create(['true']);
    const refused = (method: string, path: string, who = edge.as(token)) => who.json(method, path, {}).catch(String);
    expect(await refused('POST', `/api/workflows/${run}/open/rstudio`)).toMatch(/404.*rstudio not found.*jupyter/);
    expect(await refused('POST', `/api/workflows/${run}/close`)).toMatch(/404.*has no open interactive session/);
    const path = await begun(run);
    const [{ id, ...session }] = await sessions();
    expect(path).toBe(`/${id}`);
    expect(session).toMatchObject({ session_type: 'jupyter', session_uri: path, session_status: 'running' });
    expect(await refused('POST', `/api/workflows/${run}/open/jupyter`)).toMatch(/404.*already open/);
    // its step is none of the run's
    expect((await edge.json('GET', `/api/workflows/${run}/status`)).progress.total.total).toBe(0);
    expect(await edge.json('POST', `/api/workflows/${run}/close/`, {})).toEqual({
      message: 'The interactive session has been closed',
    });
    expect(await sessions()).toEqual([]);
    expect((await ask(port(), `${path}/x?token=${token}`)).status).toBe(404);
    expect(await refused('POST', `/api/workflows/${run}/open/jupyter`).then(said => said.path)).toBe(path);
    await edge.json('PUT', `/api/workflows/${run}/status?status=deleted`, {});
    expect(await sessions()).toEqual([]);
    expect(await refused('POST', `/api/workflows/${id}/open/jupyter`)).toMatch(/404.*deleted/);
  });

  it('use the image that is named, or else the one of the settings', async () => {
    await start({ sessions: { image: 'registry.example.org/ours:1' } });
    for (const [name, image] of [['one'], ['two', 'theirs:2']] as const) {
      const run = await edge.create(['true'], name);
      await edge.json('POST', `/api/workflows/${run}/open/jupyter`, image === undefined ? undefined : { image });
    }
    expect(steps.requests.map(({ image }) => image)).toEqual(['registry.example.org/ours:1', 'theirs:2']);
    const said = await edge.json('GET', '/api/info');
    expect(said.interactive_session_recommended_jupyter_images.value).toEqual(['registry.example.org/ours:1']);
    const run = await edge.create(['true'], 'three');
    const odd = edge.json('POST', `/api/workflows/${run}/open/jupyter`, { image: 'two words' });
    await expect(odd).rejects.toThrow(/400/);
  });

  it('tell Jupyter nothing of the edge, and the node nothing that others must not know', async () => {
    await start();
    const run = await edge.create(['true']);
    const browser = await Browser.open(edge.url, await begun(run));
    const headers = { Cookie: `a=1; ${browser.cookie}; b=2`, Referer: `${edge.url}/?token=${token}` };
    const said = JSON.parse((await browser.ask(`/x?a=1&token=${token}&b=%20`, { headers })).body);
    expect(said.path).toBe(`${browser.path}/x?a=1&b=%20`);
    expect(said.headers.cookie).toBe('a=1; b=2');
    expect(said.headers.authorization).toBe(`token ${said.token}`);
    const asked = { Authorization: `Bearer ${token}`, 'X-Forwarded-For': '10.0.0.1' };
    const other = await ask(port(), `${browser.path}/y?access_token=${token}`, { headers: asked });
    for (const text of [JSON.stringify(said), other.body, steps.requests[0]?.command])
      expect(text).not.toContain(token);
    // Jupyter's own token is in a file that only this user can read, and nowhere else
    expect(steps.requests[0]?.command).not.toContain(said.token);
    expect(said).toMatchObject({ mode: 0o600, dir: 0o700 });
    expect(said.argv.join(' ')).not.toContain(said.token);
    expect(statSync(join(edge.dir, 'sessions.json')).mode & 0o777).toBe(0o600);
    expect(edge.said.join('\n')).not.toMatch(new RegExp(`${token}|${said.token}|ticket=`));
  });

  it('are seen by a browser at an origin of their own, where nothing of the edge is', async () => {
    await start();
    const run = await edge.create(['true']);
    const path = await begun(run);
    const first = await ask(port(), `${path}?token=${token}&a=1`, {
      headers: { ...opens, Host: `localhost:${port()}` },
    });
    const to = new URL(first.headers.location ?? '');
    expect([first.status, to.host, to.pathname]).toEqual([303, `${path.slice(1)}.localhost:${port()}`, `${path}/`]);
    expect(first.headers.location).not.toContain(token);
    const there = (at: string, more: object = {}) => ask(port(), at, { headers: { Host: to.host, ...more } });
    const second = await there(`${to.pathname}${to.search}`, opens);
    expect([second.status, second.headers.location]).toEqual([303, `${path}/?a=1`]);
    expect(second.headers['set-cookie']?.[0]).toMatch(/; Path=\/[\w-]+; HttpOnly; SameSite=Lax$/);
    // a ticket is good once
    expect((await there(`${to.pathname}${to.search}`, opens)).status).toBe(403);
    expect((await there(`${path}/x`)).status).toBe(403);
    // whose cookie it is can be guessed; another session's is not this one's
    const other = await Browser.open(edge.url, await begun(await edge.create(['true'], 'other')));
    for (const Cookie of [`${other.cookie.split('.')[0]}.${'A'.repeat(43)}`, other.cookie])
      expect((await there(`${path}/x`, { Cookie })).status, Cookie).toBe(403);
    for (const at of ['/', '/api/workflows', '/page/main.js', `/api/you?access_token=${token}`])
      expect((await there(at, { Authorization: `Bearer ${token}` })).status, at).toBe(404);
    expect((await ask(port(), '/api/you', { headers: { Host: 'other.localhost' } })).status).toBe(404);
    // a name that is not this machine's would be another one's origin
    const far = await ask(port(), `${path}?token=${token}`, { headers: { ...opens, Host: 'reana.example.org' } });
    expect(far.status).toBe(421);
  });

  it('can run nothing at the origin of the edge', async () => {
    await start();
    const path = await begun(await edge.create(['true']));
    const said = await ask(port(), `${path}/x`, { headers: { Authorization: `token ${token}` } });
    expect(said.status).toBe(200);
    expect(said.headers['content-security-policy']).toBe("sandbox; default-src 'none'");
    expect(said.headers['x-content-type-options']).toBe('nosniff');
    expect(said.headers['set-cookie']).toBeUndefined();
    expect(said.headers['service-worker-allowed']).toBeUndefined();
    // its cookie is worth nothing there
    const browser = await Browser.open(edge.url, path);
    expect((await ask(port(), `${path}/x`, { headers: { Cookie: browser.cookie } })).status).toBe(401);
  });

  it('are for those who may change the run', async () => {
    await start();
    const [alice, bob] = [await edge.add('alice'), await edge.add('bob')];
    const run = await alice.create(['true']);
    const { path } = await alice.json('POST', `/api/workflows/${run}/open/jupyter`, {});
    await alice.json('POST', `/api/workflows/${run}/share`, { user_email_to_share_with: 'bob' });
    const id = path.slice(1);
    await expect(bob.json('POST', `/api/workflows/${id}/close`, {})).rejects.toThrow(/403/);
    await until(
      'the session',
      40_000,
      async () => (await ask(port(), `${path}/x?token=${alice.token}`)).status === 200,
    );
    const asked = async (shown: string) => (await ask(port(), `${path}/x?token=${shown}`)).status;
    expect(await Promise.all([bob.token, 'wrong', '', token].map(asked))).toEqual([403, 403, 401, 200]);
    const browser = await Browser.open(edge.url, path, alice.token);
    expect((await browser.ask('/x')).status).toBe(200);
    // newer clients put a secret of the session into its address, in the place of the person's token
    const route = `/api/workflows/${id}/interactive-session-secret`;
    const { session_secret: key } = await alice.json('GET', route);
    await expect(bob.json('GET', route)).rejects.toThrow(/403/);
    expect((await (await Browser.open(edge.url, path, key)).ask('/x')).status).toBe(200);
    expect((await alice.fetch('/api/you', {})).status).toBe(200);
    expect((await ask(port(), `/api/you?access_token=${key}`)).status).toBe(403);
    const [listed] = (await alice.json('GET', '/api/workflows?type=interactive&include_session_secrets=true')).items;
    expect(listed.session_secret).toBe(key);
    expect((await alice.json('GET', '/api/workflows?type=interactive')).items[0]).not.toHaveProperty('session_secret');
    expect(await asked(browser.cookie.split('=')[1] ?? '')).toBe(403);
    // a cookie ends with its person's token
    const { stdout: hash } = await execa('sha256sum', { input: 'another-token-0123456789' });
    await edge.json('PUT', '/api/edge/people/alice', { hash: hash.slice(0, 64) });
    expect((await browser.ask('/x')).status).toBe(403);
    expect(await asked(key)).toBe(403);
    await edge.json('DELETE', '/api/edge/people/alice?keep_runs=true');
    await until('it to be closed', 60_000, async () => (await ask(port(), `${path}/x?token=${token}`)).status === 404);
  });

  it('do nothing that another page asks for', async () => {
    await start();
    const browser = await Browser.open(edge.url, await begun(await edge.create(['true'])));
    const status = async (method: string, origin: Record<string, string>) =>
      (
        await ask(browser.port, `${browser.path}/x`, {
          method,
          headers: { Host: browser.host, Cookie: browser.cookie, ...origin },
        })
      ).status;
    expect(await status('POST', { Origin: `http://${browser.host}` })).toBe(200);
    for (const Origin of ['http://127.0.0.1:80', `http://localhost:${port()}`, 'null', edge.url])
      expect(await status('POST', { Origin }), Origin).toBe(403);
    expect(await status('DELETE', {})).toBe(403);
    expect(await status('GET', {})).toBe(200);
    const socket = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'x',
      'Sec-WebSocket-Version': '13',
    };
    expect(await status('GET', { ...socket, Origin: 'http://evil.example.org' })).toBe(403);
    expect((await ask(port(), '/api/edge/events', { headers: socket })).status).toBe(400);
  });

  it('carry large answers and bodies, many at once', async () => {
    await start();
    const browser = await Browser.open(edge.url, await begun(await edge.create(['true'])));
    const large = Array.from({ length: 4 }, () => browser.ask('/large'));
    const body = 'y'.repeat(3_000_000);
    const said = JSON.parse((await browser.ask('/x', { method: 'POST', body })).body);
    expect(said.body === body).toBe(true);
    for (const { body } of await Promise.all(large)) expect(body.length).toBe(5_000_000);
  });

  it('go on when the edge is started again, also for a browser that was there', async () => {
    await start();
    const browser = await Browser.open(edge.url, await begun(await edge.create(['true'])));
    const at = port();
    const { token: before } = JSON.parse((await browser.ask('/x')).body);
    await edge.edge?.close();
    await edge.start();
    await until('the session', 60_000, async () => (await sessions())[0]?.session_status === 'running');
    expect(port()).not.toBe(at);
    const own = { Host: browser.host, Cookie: browser.cookie };
    const said = await ask(port(), `${browser.path}/x`, { headers: own });
    expect(JSON.parse(said.body).token).toBe(before);
    expect(steps.requests).toHaveLength(1);
  });

  it('are closed when nobody has used them for a while, but not while a kernel computes', async () => {
    await start({ sessions: { idle: 2 } });
    const run = await edge.create(['true']);
    const browser = await Browser.open(edge.url, await begun(run));
    expect((await edge.json('GET', '/api/info')).maximum_interactive_session_inactivity_period.value).toBe('0.0000231');
    const { workspace = '' } = steps.requests[0] ?? {};
    writeFileSync(join(workspace, 'busy'), '');
    await new Promise(resolve => setTimeout(resolve, 4000));
    expect(await sessions()).toHaveLength(1);
    await rm(join(workspace, 'busy'));
    await until('it to be closed', 60_000, async () => {
      // a page that is left open asks now and then
      await browser.ask('/api/kernels');
      return (await sessions()).length === 0;
    });
  });

  it('say why they could not begin, and can be opened again', async () => {
    await start({}, '/usr/bin:/bin');
    const bin = mkdtempSync(join(tmpdir(), 'bin-'));
    writeFileSync(join(bin, 'python3'), '#!/bin/sh\nexit 3\n');
    chmodSync(join(bin, 'python3'), 0o755);
    steps.path = `${bin}:/usr/bin:/bin`;
    const run = await edge.create(['true']);
    const path = await begun(run);
    expect((await sessions())[0]).toMatchObject({ session_status: 'failed' });
    const page = await ask(port(), `${path}?token=${token}`, { headers: { ...opens, Host: `localhost:${port()}` } });
    expect(page.status).toBe(303);
    const to = new URL(page.headers.location ?? '');
    const second = await ask(port(), `${to.pathname}${to.search}`, { headers: { ...opens, Host: to.host } });
    const [cookie = ''] = (second.headers['set-cookie']?.[0] ?? '').split(';');
    const shown = await ask(port(), `${path}/`, { headers: { ...opens, Host: to.host, Cookie: cookie } });
    expect(shown.body).toContain('This session has failed');
    steps.path = standIn;
    expect(await begun(run)).toBe(path);
    expect((await sessions())[0]).toMatchObject({ session_status: 'running' });
    await rm(bin, { recursive: true });
    expect(
      existsSync(join(edge.dir, 'sessions.json')) && readFileSync(join(edge.dir, 'sessions.json'), 'utf8'),
    ).toContain(path.slice(1));
  });
});
