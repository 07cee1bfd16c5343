import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJobController } from '../../../src/reana/jobcontroller/server.js';
import { FakeSteps } from '../steps.js';

const of = { workflow: 'w1', workspace: '/work/w1', environment: { REANA_WORKSPACE: '/work/w1' } };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const job = {
  ...{ job_name: 'fit', docker_img: 'root:6', cmd: base64('cd /work/w1 && fit "$X" > out'), prettified_cmd: 'fit' },
  ...{ workflow_uuid: 'w1', workflow_workspace: '/work/w1', env_vars: { X: 'a b', REANA_WORKSPACE: '/etc' } },
  ...{ cvmfs_mounts: 'false', kerberos: false, kubernetes_memory_limit: '256Mi', htcondor_max_runtime: 'espresso' },
};

async function controller(steps = new FakeSteps(() => undefined)) {
  const opened = await openJobController(of, steps);
  onTestFinished(() => opened.close());
  const ask = async (method: string, path: string, body?: unknown, token = opened.token) => {
    const response = await fetch(`http://127.0.0.1:${opened.port}${path}`, {
      ...{ method, headers: { Authorization: `Bearer ${token}` } },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type') === 'application/json' && text !== '';
    return { status: response.status, body: json ? JSON.parse(text) : text };
  };
  return { ask, steps, opened };
}

describe('the job controller', () => {
  it('takes a job as REANA words it, and tells of it', async () => {
    const { ask, steps } = await controller();
    expect(await ask('GET', '/jobs')).toEqual({ status: 200, body: { jobs: {} } });
    const { status, body } = await ask('POST', '/jobs', job);
    expect(status).toBe(201);
    expect(steps.requests).toEqual([
      {
        ...{ workflow: 'w1', workspace: '/work/w1', name: 'fit', image: 'root:6', shown: 'fit', secrets: undefined },
        ...{ command: 'cd /work/w1 && fit "$X" > out', resources: { memory: 256, time: 1200 } },
        environment: { X: 'a b', REANA_WORKSPACE: '/work/w1' },
      },
    ]);
    const told = (await ask('GET', `/jobs/${body.job_id}`)).body;
    expect(told).toMatchObject({ job_id: body.job_id, docker_img: 'root:6', status: 'running', restart_count: 0 });
    for (const field of ['cmd', 'max_restart_count']) expect(told).toHaveProperty(field);
    expect((await ask('GET', `/jobs/${body.job_id}/logs`)).body).toBe('printed by fit\n');
    expect((await ask('DELETE', `/jobs/${body.job_id}/?compute_backend=kubernetes`)).status).toBe(204);
    expect((await ask('GET', '/jobs')).body.jobs[body.job_id].status).toBe('stopped');
    expect((await ask('GET', '/job_cache?job_spec=x')).body).toEqual({ cached: false, result_path: null });
  });

  it('takes a job once that has a key, and finds it again', async () => {
    const { ask, steps } = await controller();
    const [first, second] = [
      await ask('POST', '/jobs', { ...job, key: 'a' }),
      await ask('POST', '/jobs', { ...job, key: 'a' }),
    ];
    expect(second.body.job_id).toBe(first.body.job_id);
    expect((await ask('POST', '/jobs', { ...job, key: 'b' })).body.job_id).not.toBe(first.body.job_id);
    expect(steps.requests).toHaveLength(2);
    expect(Object.keys((await ask('POST', '/jobs/find', { key: 'a' })).body.jobs)).toEqual([first.body.job_id]);
    expect((await ask('POST', '/jobs/find', { key: 'c' })).body).toEqual({ jobs: {} });
  });

  it('tells of the end of a job at once to who waits for it', async () => {
    const { ask, steps } = await controller();
    const id = (await ask('POST', '/jobs', job)).body.job_id;
    expect((await ask('GET', `/jobs/${id}?wait=0.05`)).body.status).toBe('running');
    const waiting = ask('GET', `/jobs/${id}?wait=60`);
    await sleep(100);
    const began = Date.now();
    steps.end(id, { exitCode: 3, reason: 'no luck' });
    expect((await waiting).body).toMatchObject({ status: 'failed', exit_code: 3, reason: 'no luck' });
    expect(Date.now() - began).toBeLessThan(1000);
    expect((await ask('GET', `/jobs/${id}?wait=60`)).body.status).toBe('failed');
  });

  it('answers nobody without the token', async () => {
    const { ask, steps } = await controller();
    for (const token of ['', 'wrong']) {
      expect((await ask('GET', '/jobs', undefined, token)).status).toBe(401);
      expect((await ask('POST', '/jobs', job, token)).status).toBe(401);
    }
    expect(steps.requests).toEqual([]);
  });

  it.each([
    [{ ...job, cmd: 'not base64!' }, 'cmd:'],
    [{ ...job, job_name: undefined }, 'job_name:'],
    [{ ...job, workflow_uuid: 'w2' }, 'workflow_uuid does not belong to this run'],
    [{ ...job, workflow_workspace: '/etc' }, 'workflow_workspace does not belong to this run'],
    [{ ...job, kubernetes_memory_limit: '2 GB' }, 'memory: "2 GB" is not understood'],
    ['{', 'Your request contains not valid JSON.'],
  ])('refuses what is no job of this run: %#', async (body, message) => {
    const { ask, steps } = await controller();
    const answer = await ask('POST', '/jobs', body);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(message);
    expect(steps.requests).toEqual([]);
  });

  it('knows nothing of the jobs of other runs', async () => {
    const { ask, steps } = await controller();
    const { id } = await steps.submit({ ...of, workflow: 'w2', name: 'x', image: '', command: 'x', resources: {} });
    for (const [method, path] of [
      ['GET', `/jobs/${id}`],
      ['GET', `/jobs/${id}/logs`],
      ['DELETE', `/jobs/${id}`],
      ['GET', '/workflows'],
    ] as const) {
      expect((await ask(method, path)).status).toBe(404);
    }
    expect((await ask('GET', '/jobs')).body).toEqual({ jobs: {} });
    expect(steps.get(id)?.state).toBe('running');
  });
});
