import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { WorkflowEngine } from '../../src/reana/engines/engine.js';
import type { StepRequest } from '../../src/reana/jobs/step.js';
import { until } from '../lab/programs.js';
import { passphrase, wrongPassword } from '../secrets.js';
import { here, TestEdge, token } from './edge/edges.js';
import { FakeSteps } from './steps.js';

let edge: TestEdge;
afterEach(() => edge?.close());

const start = (run: string, body: object = {}): Promise<unknown> =>
  edge.json('POST', `/api/workflows/${run}/start`, body);
const reaches = (run: string, status: string): Promise<unknown> =>
  until(`${run} to be ${status}`, 60_000, async () => (await edge.status(run)) === status);
const requests = (): readonly StepRequest[] => edge.steps.requests;
const endWaiting = (run: string, exitCode = 0): void => {
  for (const step of edge.steps.of(run)) edge.steps.end(step.id, { exitCode });
};
const idOf = async (run: string): Promise<string> => (await edge.json('GET', `/api/workflows/${run}/status`)).id;

describe('runs', () => {
  it('are numbered by name, whoever comes at the same time', async () => {
    edge = await TestEdge.open();
    const names = await Promise.all([...Array(8)].map((_, i) => edge.create(['true'], i % 2 ? 'odd' : 'even')));
    expect(names.sort()).toEqual([1, 2, 3, 4].flatMap(n => [`even.${n}`, `odd.${n}`]).sort());
    await edge.json('PUT', '/api/workflows/odd.4/status?status=deleted', {});
    expect(await idOf('odd')).toBe(await idOf('odd.3'));
    expect(await edge.create(['true'], 'odd')).toBe('odd.5');
    expect((await edge.json('GET', `/api/workflows/${await idOf('odd.2')}/status`)).name).toBe('odd.2');
    await expect(edge.status('odd.9')).rejects.toThrow(
      '404: REANA_WORKON is set to odd.9, but that workflow does not exist.',
    );
  });

  it('wait for each other where there is a limit, first come, first served', async () => {
    edge = await TestEdge.open({ limit: 2 });
    const runs = ['a', 'b', 'c', 'd'];
    for (const name of runs) {
      await edge.create([`wait ${name}`], name);
      await start(name);
      await sleep(5);
    }
    await until('two of them to run', 60_000, () => requests().length === 2);
    expect(await Promise.all(runs.map(name => edge.status(name)))).toEqual(['running', 'running', 'queued', 'queued']);
    await edge.json('PUT', '/api/workflows/c/status?status=stop', {});
    endWaiting(await idOf('a'));
    await reaches('d', 'running');
    expect(await Promise.all(runs.map(name => edge.status(name)))).toEqual([
      'finished',
      'running',
      'stopped',
      'running',
    ]);
    expect(
      requests()
        .map(r => r.command)
        .join(),
    ).not.toContain('wait c');
  });

  it('are started once, however often one asks', async () => {
    edge = await TestEdge.open();
    await edge.create(['wait']);
    const answers = await Promise.allSettled([...Array(5)].map(() => start('analysis')));
    expect(answers.filter(a => a.status === 'fulfilled')).toHaveLength(1);
    await until('it to run', 60_000, () => requests().length > 0);
    await expect(start('analysis')).rejects.toThrow(
      '403: Workflow analysis.1 is already running and cannot be started again.',
    );
    expect(requests()).toHaveLength(1);
  });

  it('that fail say why in their log', async () => {
    edge = await TestEdge.open();
    await edge.create(['exit 3', 'true']);
    await start('analysis');
    await reaches('analysis', 'failed');
    const { logs } = await edge.json('GET', '/api/workflows/analysis/logs');
    expect(JSON.parse(logs).workflow_logs).toContain('step only ended with status 3');
    expect(Object.values(JSON.parse(logs).job_logs)).toMatchObject([{ status: 'failed', cmd: 'exit 3' }]);
    expect(await edge.json('GET', '/api/workflows/analysis/status')).toMatchObject({
      progress: { total: { total: 2 }, failed: { total: 1 }, finished: { total: 0 } },
    });
    await start('analysis', { restart: true });
    await reaches('analysis.1.1', 'failed');
    expect(requests()).toHaveLength(2);
  });

  it('whose engine breaks fail, and others go on', async () => {
    const broken: WorkflowEngine = { run: () => Promise.reject(new TypeError('engine fell over')) };
    edge = await TestEdge.open({ engines: { serial: broken }, limit: 1 });
    for (const name of ['a', 'b']) {
      await edge.create(['true'], name);
      await start(name);
      await reaches(name, 'failed');
    }
    await expect(edge.json('POST', '/api/workflows', { workflow: { type: 'cwl' } })).rejects.toThrow(
      '400: This cluster has no workflow engine for cwl; it has: serial.',
    );
  });

  it('share their files with their restarts, until the last of them is deleted', async () => {
    edge = await TestEdge.open();
    await edge.create(['echo x > made.txt']);
    await start('analysis');
    await reaches('analysis', 'finished');
    await start('analysis', { restart: true });
    await reaches('analysis.1.1', 'finished');
    const files = join(edge.dir, 'workspaces', await idOf('analysis.1'));
    expect(requests().map(r => r.workspace)).toEqual([files, files]);
    await edge.json('PUT', '/api/workflows/analysis.1/status?status=deleted', { workspace: true });
    expect(readdirSync(files)).toEqual(['made.txt']);
    await expect(edge.json('GET', '/api/workflows/analysis.1/workspace')).rejects.toThrow('404');
    await edge.json('PUT', '/api/workflows/analysis.1.1/status?status=deleted', { all_runs: true });
    expect(existsSync(files)).toBe(false);
    expect(edge.steps.of(await idOf('analysis.1.1').catch(() => ''))).toEqual([]);
    await expect(start('analysis.1')).rejects.toThrow('already deleted');
  });

  it('are found again by the next edge, and what was stopped stays stopped', async () => {
    edge = await TestEdge.open();
    for (const name of ['goes', 'stops']) {
      await edge.create([`wait ${name}`, 'echo $$REANA_WORKSPACE > where.txt'], name);
      await start(name);
      await reaches(name, 'running');
    }
    await until('both to have a step', 60_000, () => requests().length === 2);
    await edge.json('PUT', '/api/workflows/stops/status?status=stop', {});
    await edge.edge?.close();
    await edge.start();
    endWaiting(await idOf('goes'));
    await reaches('goes', 'finished');
    expect(await edge.status('stops')).toBe('stopped');
    expect(requests()).toHaveLength(3);
    const files = join(edge.dir, 'workspaces', await idOf('goes'));
    expect(readFileSync(join(files, 'where.txt'), 'utf8')).toBe(`${files}\n`);
  });
});

describe('secrets', () => {
  it('reach steps, and nothing else', async () => {
    const steps = new FakeSteps(here);
    edge = await TestEdge.open({ steps });
    const value = (text: string): string => Buffer.from(text).toString('base64');
    const secrets = {
      PASS: { type: 'env', value: value(wrongPassword) },
      'key.pem': { type: 'file', value: value(passphrase) },
    };
    await edge.json('POST', '/api/secrets/?overwrite=false', secrets);
    await expect(edge.json('POST', '/api/secrets/?overwrite=false', { PASS: secrets.PASS })).rejects.toThrow(
      '409: The submitted secrets PASS already exist.',
    );
    for (const name of ['../x', '.', 'a/b', '']) {
      await expect(edge.json('POST', '/api/secrets/', { [name]: secrets['key.pem'] }), name).rejects.toThrow(
        "can't be the name",
      );
    }
    await expect(edge.json('POST', '/api/secrets/', { 'A B': secrets.PASS })).rejects.toThrow('400');
    await edge.create(['true']);
    await start('analysis');
    await reaches('analysis', 'finished');
    const [request] = requests();
    expect(request?.environment.PASS).toBe(wrongPassword);
    expect(readFileSync(join(request?.secrets as string, 'key.pem'), 'utf8')).toBe(passphrase);
    expect(readdirSync(request?.secrets as string)).toEqual(['key.pem']);
    expect(statSync(join(edge.dir, 'secrets/env/PASS')).mode & 0o777).toBe(0o600);
    const told = [
      ...(await Promise.all(
        ['/api/edge/overview', '/api/workflows/analysis/status', '/api/workflows/analysis/logs', '/api/secrets'].map(
          async path => (await edge.fetch(path)).text(),
        ),
      )),
      ...readdirSync(join(edge.dir, 'runs'), { recursive: true, withFileTypes: true })
        .filter(f => f.isFile())
        .map(f => readFileSync(join(f.parentPath, f.name), 'utf8')),
      ...edge.said,
    ].join('\n');
    for (const secret of [wrongPassword, passphrase, token]) expect(told).not.toContain(secret);
    expect(told).toContain('analysis.1');
  });
});

describe('the door', () => {
  it('opens for the token only', async () => {
    edge = await TestEdge.open();
    const ask = async (path: string, headers: Record<string, string> = {}): Promise<[number, string]> => {
      const response = await fetch(`${edge.url}${path}`, { headers });
      return [response.status, ((await response.json()) as { message: string }).message];
    };
    expect(await ask('/api/ping')).toEqual([200, 'OK']);
    expect(await ask('/api/you')).toEqual([401, 'User not signed in']);
    expect(await ask('/api/unknown')).toEqual([401, 'User not signed in']);
    expect(await ask(`/api/you?access_token=${wrongPassword}`)).toEqual([403, 'Token not valid.']);
    expect(await ask('/api/you', { Authorization: `Bearer ${wrongPassword}` })).toEqual([403, 'Token not valid.']);
    expect((await ask('/api/you', { Authorization: `Bearer ${token}` }))[0]).toBe(200);
    expect((await ask(`/api/unknown?access_token=${token}`))[0]).toBe(404);
    expect(await ask(`/api/config?access_token=${token}`)).toEqual([501, 'This cluster has no REANA web interface.']);
    await expect(edge.json('POST', '/api/workflows', [])).rejects.toThrow('400: Malformed request.');
    await expect(edge.json('POST', '/api/workflows', { workflow: { type: 'make' } })).rejects.toThrow(
      '400: Unknown workflow type.',
    );
    expect(await (await edge.fetch('/api/workflows', { method: 'POST', body: '{' })).json()).toEqual({
      message: 'Your request contains not valid JSON.',
    });
    await expect(edge.json('GET', '/api/workflows?page=0&size=1')).rejects.toThrow(
      "400: Field 'page': Must be at least 1.",
    );
  });

  it('is not opened twice', async () => {
    edge = await TestEdge.open();
    const port = edge.edge?.port ?? 0;
    await expect(TestEdge.open({ port })).rejects.toThrow('EADDRINUSE');
  });
});
