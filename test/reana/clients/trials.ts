import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../lab/programs.js';
import type { Asker } from '../edge/asker.js';
import type { TestEdge } from '../edge/edges.js';

const steps = (command: string) => ({
  inputs: { files: ['names.txt'], parameters: { greeting: 'Hello' } },
  workflow: {
    type: 'serial',
    specification: { steps: [{ name: 'greet', environment: 'docker.io/library/python:3.12', commands: [command] }] },
  },
  outputs: { files: ['greetings.txt'] },
});
const specification = steps('sed "s/^/$greeting /" names.txt > greetings.txt');
const feature = `Feature: The run
  Scenario: It ends well
    When the workflow is finished
    Then the workflow status should be finished
`;

/** What a verb does to a run of its own, which another client made: so one verb that is refused keeps none of the others back. */
export interface Trial {
  /** What the run is before; `empty`: it has no files yet; `open`: it has a session; absent: the verb needs none. */
  readonly run?: 'empty' | 'created' | 'running' | 'finished' | 'shared' | 'open';
  readonly args: (run: string, url: string) => readonly string[];
  /** What the verb prints where it works. */
  readonly says: RegExp;
  /** What must be so afterwards. */
  readonly after?: (owner: Asker, run: string) => Promise<boolean>;
}

export const reader = 'bob@example.org';
const isOver = async (owner: Asker, run: string): Promise<boolean> => {
  await until(`${run} to end`, 20_000, async () => !['queued', 'pending', 'running'].includes(await owner.status(run)));
  return (await owner.status(run)) === 'finished';
};
const isClosed = async (owner: Asker, run: string): Promise<boolean> => {
  const { items } = await owner.json('GET', '/api/workflows?type=interactive');
  return !items.some(({ name }: { name: string }) => name === run);
};
const there = async (owner: Asker, run: string): Promise<boolean> => (await owner.status(run)) === 'created';

/** Each verb that any version has. They are tried in this order. */
export const trials: Readonly<Record<string, Trial>> = {
  version: { args: () => ['version'], says: /^0\.9/m },
  ping: { args: () => ['ping'], says: /Status: Connected/ },
  info: { args: () => ['info'], says: /List of supported compute backends: kubernetes/ },
  'quota-show': { args: () => ['quota-show', '--resource', 'disk'], says: /used/ },
  validate: { args: () => ['validate', '-f', 'reana.yaml'], says: /Valid REANA specification file/ },
  create: { args: () => ['create', '-n', 'create'], says: /create\.1/, after: owner => there(owner, 'create.1') },
  upload: { run: 'empty', args: run => ['upload', '-w', run], says: /names\.txt was successfully uploaded/ },
  start: {
    run: 'created',
    args: run => ['start', '-w', run],
    says: /start(\.1)? (has been queued|is running|has finished)/,
    after: isOver,
  },
  run: { args: () => ['run', '-n', 'run'], says: /run\.1/, after: owner => isOver(owner, 'run.1') },
  list: { run: 'created', args: () => ['list'], says: /list\s+1\s.*created/ },
  status: { run: 'finished', args: run => ['status', '-w', run], says: /status\s+1\s.*finished/ },
  logs: { run: 'finished', args: run => ['logs', '-w', run], says: /Step: greet[\s\S]*printed by greet/ },
  ls: { run: 'finished', args: run => ['ls', '-w', run], says: /greetings\.txt/ },
  download: { run: 'finished', args: run => ['download', '-w', run, '-o', '-'], says: /Hello Ada/ },
  du: { run: 'finished', args: run => ['du', '-w', run], says: /\.\/greetings\.txt/ },
  mv: { run: 'finished', args: run => ['mv', '-w', run, 'greetings.txt', 'moved.txt'], says: /successfully moved/ },
  rm: { run: 'finished', args: run => ['rm', '-w', run, 'greetings.txt'], says: /was successfully deleted/ },
  diff: { run: 'finished', args: run => ['diff', run, 'other.1'], says: /Only in diff\.1/ },
  restart: { run: 'finished', args: run => ['restart', '-w', run], says: /restart\.1\.1/ },
  stop: { run: 'running', args: run => ['stop', '-w', run, '--force'], says: /has been stopped/ },
  prune: { run: 'finished', args: run => ['prune', '-w', run], says: /correctly pruned/ },
  'retention-rules-list': {
    run: 'created',
    args: run => ['retention-rules-list', '-w', run],
    says: /WORKSPACE_FILES|workspace/i,
  },
  delete: { run: 'finished', args: run => ['delete', '-w', run], says: /has been deleted/ },
  'secrets-add': { args: () => ['secrets-add', '--env', 'COLOUR=blue'], says: /successfully uploaded/ },
  'secrets-list': { args: () => ['secrets-list'], says: /kept\s+env/ },
  'secrets-delete': { args: () => ['secrets-delete', 'gone'], says: /successfully deleted/ },
  'share-add': { run: 'created', args: run => ['share-add', '-w', run, '-u', reader], says: /shared with bob/ },
  'share-status': { run: 'shared', args: run => ['share-status', '-w', run], says: /bob@example\.org/ },
  'share-remove': { run: 'shared', args: run => ['share-remove', '-w', run, '-u', reader], says: /no longer shared/ },
  test: {
    run: 'finished',
    args: run => ['test', '-w', run, '-n', 'ends.feature'],
    says: /Result: All tests passed|passed/i,
  },
  open: {
    run: 'finished',
    args: run => ['open', '-w', run, 'jupyter'],
    says: /\/[0-9a-f-]{36}\?token=[\s\S]*0\.0417 days/,
  },
  close: { run: 'open', args: run => ['close', '-w', run], says: /successfully closed/, after: isClosed },
  login: { args: (_, url) => ['login', '--headless', '--server', url], says: /Logged in/ },
  logout: { args: () => ['logout'], says: /Logged out/ },
  'server-add': { args: () => ['server-add', 'https://reana.example.org'], says: /Saved REANA server/ },
  'server-list': { args: () => ['server-list'], says: /127\.0\.0\.1|No saved/ },
  'server-use': { args: (_, url) => ['server-use', url], says: /Selected REANA server/ },
  'server-remove': { args: (_, url) => ['server-remove', '--local-only', url], says: /Removed saved REANA server/ },
};

/** What is there before the first verb: a specification with its files, another run, secrets, and somebody else. */
export async function prepare(edge: TestEdge, owner: Asker, cwd: string): Promise<void> {
  await mkdir(cwd, { recursive: true });
  // JSON is YAML, too
  await writeFile(join(cwd, 'reana.yaml'), JSON.stringify(specification));
  await writeFile(join(cwd, 'names.txt'), 'Ada\nGrace\n');
  await writeFile(join(cwd, 'ends.feature'), feature);
  await edge.add(reader);
  await made(owner, 'other', 'created');
  const secret = { value: Buffer.from('x').toString('base64'), type: 'env' };
  await owner.json('POST', '/api/secrets', { kept: secret, gone: secret });
}

/** @returns its full name */
export async function made(owner: Asker, name: string, state: NonNullable<Trial['run']>): Promise<string> {
  const what = state === 'running' ? steps('wait') : specification;
  const { workflow_name: run } = await owner.json('POST', `/api/workflows?workflow_name=${name}`, what);
  if (state !== 'empty') await owner.upload(run, 'names.txt', 'Ada\nGrace\n');
  if (state === 'shared') await owner.json('POST', `/api/workflows/${run}/share`, { user_email_to_share_with: reader });
  if (state === 'open') await owner.json('POST', `/api/workflows/${run}/open/jupyter`, {});
  if (['empty', 'created', 'shared', 'open'].includes(state)) return run;
  await owner.json('POST', `/api/workflows/${run}/start`, {});
  await until(`${run} to be ${state}`, 60_000, async () => (await owner.status(run)) === state);
  return run;
}
