import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { compare, type Question, type Row, table } from './api/table.js';
import { reanaClient } from './edge/client.js';
import type { TestEdge } from './edge/edges.js';
import { Ground, specification } from './launch/ground.js';

/** `output/reana-api.md`, for whoever wants to see it; git ignores it. */
const output = new URL('../../output/reana-api.md', import.meta.url).pathname;

/** REANA's own specification, which comes with its client. */
async function specified(): Promise<string | undefined> {
  const client = await reanaClient();
  if ('missing' in client) {
    process.stderr.write(`REANA's API is not compared: ${client.missing}\n`);
    return undefined;
  }
  const lib = join(dirname(client.path), '../lib');
  const files = readdirSync(lib).map(python =>
    join(lib, python, 'site-packages/reana_commons/openapi_specifications/reana_server.json'),
  );
  return files.find(existsSync);
}

const file = await specified();
const workflow = {
  type: 'serial',
  file: 'code/workflow',
  specification: { steps: [{ name: 'only', commands: ['true'] }] },
};
/** With all parts that a specification can have. */
const whole = {
  ...{
    version: '0.9.4',
    workflow,
    inputs: { files: ['data.txt'], directories: [], parameters: { a: 1 }, options: {} },
  },
  ...{ outputs: { files: [], directories: [] }, workspace: { retention_days: { '**/*.tmp': 1 } } },
};

/** What is not served, and never will be here. */
const absent = [
  'GET /api/config',
  'GET /api/gitlab',
  'GET /api/gitlab/connect',
  'GET /api/gitlab/projects',
  'DELETE /api/gitlab/webhook',
  'POST /api/gitlab/webhook',
  'GET /api/status',
  'PUT /api/token',
];

/** How answers differ from the specification, and why. */
const known = {
  // neither may be null, and how long a job may run is the site's to say
  'GET /api/info': [
    ...['default_kubernetes_jobs_timeout is missing', 'maximum_kubernetes_jobs_timeout is missing'],
    // REANA's own server says them since 0.95
    ...['interactive_sessions_custom_image_allowed is more', 'interactive_session_recommended_jupyter_images is more'],
  ],
  // the client of 0.9 reads it
  'GET /api/workflows': [
    'user_has_workflows is more',
    // this run has no session
    ...['session_status', 'session_type', 'session_uri'].map(name => `items[].${name} is missing`),
    // the clients of 0.95 read them for what is shared
    ...['owner_email', 'shared_with'].map(name => `items[].${name} is more`),
  ],
  // REANA's own server says it, too
  'GET /api/workflows/{workflow_id_or_name}/specification': ['specification.workspace is more'],
  // the client that asks has the token already
  'GET /api/you': ['full_name is more', 'username is more', 'reana_token.value is missing'],
  // it is for warnings, which this server does not give
  'POST /api/launch': ['validation_warnings is missing'],
  // the example beside this schema has the message, as REANA's own server
  'POST /api/workflows/{workflow_id_or_name}/close/': ['path is missing', 'message is more'],
  'POST /api/workflows/{workflow_id_or_name}/start': ['run_number is more'],
};
const questions: Readonly<Record<string, Question>> = {
  'GET /api/workflows': { query: { type: 'batch', verbose: 'true' } },
  'POST /api/workflows': { query: { workflow_name: 'created' }, body: { workflow } },
  'POST /api/workflows/{workflow_id_or_name}/start': { path: { workflow_id_or_name: 'fresh.1' }, body: {} },
  'PUT /api/workflows/{workflow_id_or_name}/status': {
    ...{ path: { workflow_id_or_name: 'over.1' }, query: { status: 'deleted' }, body: {} },
  },
  'PUT /api/workflows/move_files/{workflow_id_or_name}': {
    ...{ path: { workflow_id_or_name: 'fresh.1' }, query: { source: 'data.txt', target: 'moved.txt' } },
  },
  'POST /api/workflows/{workflow_id_or_name}/workspace': { query: { file_name: 'new.txt' }, body: 'text' },
  'GET /api/workflows/{workflow_id_or_name}/workspace/{file_name}': { path: { file_name: 'data.txt' } },
  'DELETE /api/workflows/{workflow_id_or_name}/workspace/{file_name}': {
    path: { workflow_id_or_name: 'files.1', file_name: 'gone.txt' },
  },
  'POST /api/secrets/': { body: { NAME: { value: 'dGV4dA==', type: 'env' } } },
  'DELETE /api/secrets/': { body: ['FIRST'] },
  'POST /api/workflows/{workflow_id_or_name}/prune': { path: { workflow_id_or_name: 'files.1' } },
  'POST /api/workflows/{workflow_id_or_name}/close/': { path: { workflow_id_or_name: 'fresh.1' } },
  'POST /api/workflows/{workflow_id_or_name}/open/{interactive_session_type}': {
    path: { interactive_session_type: 'jupyter' },
  },
};

describe.skipIf(file === undefined)("REANA's API, route by route", () => {
  let ground: Ground;
  let edge: TestEdge;
  let rows: readonly Row[];

  beforeAll(async () => {
    ground = await Ground.open();
    edge = ground.edge;
    ground.web.serve('/reana.yaml', specification());
    const launched = { body: { url: ground.at('/reana.yaml'), name: 'launched' } };
    for (const name of ['analysis', 'files', 'over', 'fresh']) {
      const run = await edge.create(['true'], name, whole);
      await edge.upload(run, 'data.txt', 'text');
      await edge.upload(run, 'gone.txt', 'text');
      if (name === 'fresh') continue;
      await edge.json('POST', `/api/workflows/${run}/start`, {});
      await until('the run to end', 60_000, async () => (await edge.status(run)) === 'finished');
    }
    // a secret first, so that there is one in the list
    await edge.json('POST', '/api/secrets/', { FIRST: { value: 'dGV4dA==', type: 'env' } });
    // and a session, which can be closed
    await edge.json('POST', '/api/workflows/fresh.1/open/jupyter', {});
    rows = await compare(String(file), edge.url, route =>
      route === 'POST /api/launch' ? launched : (questions[route] ?? {}),
    );
    await mkdir(dirname(output), { recursive: true });
    await writeFile(output, table(rows));
  });
  afterAll(() => ground?.close());

  it('says of each route that is not served why', () => {
    const missing = rows.filter(row => row.absent !== undefined);
    expect(missing.map(({ route }) => route)).toEqual(absent);
    for (const row of missing) expect(row.absent, row.route).toMatch(/\w+ .*\w/);
  });

  it('answers all others as the specification says', () => {
    const differing = rows.filter(({ differences }) => differences.length > 0);
    expect(Object.fromEntries(differing.map(({ route, differences }) => [route, differences]))).toEqual(known);
    // none but by mistake
    const failed = rows.filter(row => row.absent === undefined && row.status >= 400);
    expect(failed.map(({ route, status }) => `${route}: ${status}`)).toEqual([]);
    expect(rows.length).toBeGreaterThan(30);
  });
});
