import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../lab/programs.js';
import { wrongPassword } from '../secrets.js';
import { reanaClient } from './edge/client.js';
import { TestEdge, token } from './edge/edges.js';
import { Forks, type Said } from './edge/forks.js';

const client = await reanaClient();
if ('missing' in client) process.stderr.write(`${client.missing}: the real reana-client is not tried\n`);

const specification = `
inputs:
  files: [data/names.txt]
  directories: [code]
  parameters:
    greeting: Hello
workflow:
  type: serial
  specification:
    steps:
      - name: greet
        environment: 'docker.io/library/python:3.12'
        commands:
          - mkdir -p results/more && sed "s/^/$greeting /" data/names.txt > results/greetings.txt
      - name: count
        environment: 'docker.io/library/python:3.12'
        commands:
          - wc -l < results/greetings.txt > results/more/count.txt
outputs:
  files: [results/greetings.txt]
  directories: [results/more]
`;

describe.skipIf('missing' in client)('the real reana-client', { timeout: 300_000 }, () => {
  let edge: TestEdge;
  let forks: Forks;
  let cwd: string;
  const reana = (...args: string[]): Promise<Said> => as(token, ...args);
  const as = (who: string, ...args: string[]): Promise<Said> =>
    forks.run(cwd, { REANA_SERVER_URL: edge.url, REANA_ACCESS_TOKEN: who }, args);
  const good = async (...args: string[]): Promise<string> => {
    const { exitCode, out } = await reana(...args);
    expect(exitCode, `reana-client ${args.join(' ')}: ${out}`).toBe(0);
    return out;
  };

  beforeAll(async () => {
    forks = new Forks('path' in client ? client.path : '');
    edge = await TestEdge.open();
    cwd = await mkdtemp(join(tmpdir(), 'scailfin-client-'));
    for (const dir of ['data', 'code/deep']) await mkdir(join(cwd, dir), { recursive: true });
    await writeFile(join(cwd, 'reana.yaml'), specification);
    await writeFile(join(cwd, 'data/names.txt'), 'Ada\nGrace\n');
    await writeFile(join(cwd, 'code/deep/empty.py'), '');
    await writeFile(join(cwd, 'code/äöü ß.py'), 'print()\n');
  });

  afterAll(async () => {
    forks?.close();
    await edge?.close();
    await rm(cwd, { recursive: true, force: true });
  });

  it('says who and where', async () => {
    const ping = await good('ping');
    expect(ping).toContain('Status: Connected');
    expect(ping).toContain('REANA server version: 0.9.4');
    expect(await good('info')).toContain('List of supported compute backends: kubernetes');
    expect(await good('quota-show', '--resource', 'disk')).toMatch(/used/);
  });

  it('runs a workflow from create to download', async () => {
    expect((await good('create', '-n', 'hello')).trim()).toContain('hello.1');
    expect(await good('upload', '-w', 'hello')).toContain('names.txt');
    const listed = await good('ls', '-w', 'hello.1');
    for (const name of ['data/names.txt', 'code/deep/empty.py', 'code/äöü ß.py', 'reana.yaml'])
      expect(listed).toContain(name);
    expect(await good('start', '-w', 'hello')).toMatch(/hello (has been queued|is running|has finished)/);
    await until('the run to end', 60_000, async () => (await edge.status('hello')) === 'finished');
    expect(await good('status', '-w', 'hello', '-v')).toMatch(/hello\s+1\s+\S+\s+\S+\s+\S+\s+finished\s+2\/2/);
    const logs = await good('logs', '-w', 'hello');
    expect(logs).toContain('Step: greet');
    expect(logs).toContain('printed by count');
    expect(await good('logs', '-w', 'hello', '--filter', 'step=count')).not.toContain('Step: greet');
    await good('download', '-w', 'hello', '-o', 'fetched');
    expect(await readFile(join(cwd, 'fetched/results/greetings.txt'), 'utf8')).toBe('Hello Ada\nHello Grace\n');
    expect(await good('download', '-w', 'hello', 'results/*.txt', '-o', '-')).toContain('Hello Ada');
    expect(await good('download', '-w', 'hello', 'results', '-o', '-')).toContain('2\n');
    expect(await good('download', '-w', 'hello', 'code/äöü ß.py', '-o', '-')).toBe('print()\n');
  });

  it('works on files', async () => {
    expect(await good('ls', '-w', 'hello', 'results/**')).toContain('results/more/count.txt');
    expect(await good('ls', '-w', 'hello', '--filter', 'name=count', '--json')).toMatch(
      /^\[\{"name": "results\/more\/count.txt"/,
    );
    expect(await good('ls', '-w', 'hello', '--page', '1', '--size', '1', '--format', 'name')).toMatch(/NAME\s+\S.*\n$/);
    expect(await good('du', '-w', 'hello', '-s', '-h')).toMatch(/KiB\s+\./);
    expect(await good('du', '-w', 'hello', '--filter', 'name=names')).toContain('./data/names.txt');
    expect(await good('mv', '-w', 'hello', 'results/more/count.txt', 'counted.txt')).toContain('successfully moved');
    expect((await reana('mv', '-w', 'hello', '../../../../etc/passwd', 'x')).out).toContain('Something went wrong');
    expect(await good('rm', '-w', 'hello', 'count*')).toContain('counted.txt was successfully deleted');
    expect((await reana('rm', '-w', 'hello', 'count*')).out).toContain('did not match any existing file');
    expect((await reana('download', '-w', 'hello', 'nothing')).out).toContain('404 Not Found nothing does not exist.');
  });

  it('prunes what is neither input nor output, and lists rules that remove nothing', async () => {
    const rules = specification.replace(/^workflow:/m, 'workspace:\n  retention_days:\n    "**/*.tmp": 3\nworkflow:');
    await writeFile(join(cwd, 'rules.yaml'), rules);
    await good('create', '-n', 'pruned', '-f', 'rules.yaml');
    await good('upload', '-w', 'pruned');
    expect(await good('retention-rules-list', '-w', 'pruned')).toMatch(/\*\*\/\*\.tmp\s+3\s+-\s+inactive/);
    await good('start', '-w', 'pruned');
    await until('the run to end', 60_000, async () => (await edge.status('pruned')) === 'finished');
    for (const name of ['deep/er/left.tmp', 'results/more.tmp']) await edge.upload('pruned', name, 'x');
    expect(await good('prune', '-w', 'pruned')).toContain('The workspace has been correctly pruned.');
    const left = await good('ls', '-w', 'pruned', '--format', 'name');
    for (const name of ['data/names.txt', 'results/greetings.txt']) expect(left).toContain(name);
    expect(left).not.toContain('left.tmp');
    await good('prune', '-w', 'pruned', '--include-inputs', '--include-outputs');
    expect(await good('ls', '-w', 'pruned', '--format', 'name')).not.toMatch(/names.txt|greetings.txt/);
    await good('delete', '-w', 'pruned');
  });

  it('restarts, with other parameters and another specification, and tells what differs', async () => {
    expect(await good('restart', '-w', 'hello', '-p', 'greeting=Bye')).toMatch(
      /hello\.1\.1 (has been queued|is running|has finished)/,
    );
    await until('the restart to end', 60_000, async () => (await edge.status('hello.1.1')) === 'finished');
    expect(await good('download', '-w', 'hello.1.1', 'results/greetings.txt', '-o', '-')).toBe('Bye Ada\nBye Grace\n');
    await writeFile(join(cwd, 'other.yaml'), specification.replace('greeting: Hello', 'greeting: Servus'));
    expect(await good('restart', '-w', 'hello', '-f', 'other.yaml', '-o', 'TARGET=greet')).toContain('hello.1.2');
    await until('the restart to end', 60_000, async () => (await edge.status('hello.1.2')) === 'finished');
    expect(await good('status', '-w', 'hello.1.2')).toContain('1/1');
    await good('create', '-n', 'second', '-f', 'other.yaml');
    const diff = await good('diff', 'hello.1', 'second');
    expect(diff).toContain('Differences in workflow inputs');
    expect(diff).toContain('Servus');
    expect(diff).toContain('Only in hello.1: results');
    expect(await good('diff', 'hello.1', 'second', '--brief')).toContain('Only in hello.1');
  });

  it('stops and deletes', async () => {
    await writeFile(join(cwd, 'long.yaml'), specification.replace('mkdir -p', 'wait; mkdir -p'));
    await good('create', '-n', 'long', '-f', 'long.yaml');
    await good('start', '-w', 'long');
    await until('it to run', 60_000, async () => edge.steps.requests.some(r => r.command.includes('wait')));
    expect((await reana('delete', '-w', 'long')).out).toContain('cannot be deleted as it is currently running');
    expect(await good('stop', '-w', 'long', '--force')).toContain('long has been stopped');
    expect(await good('list')).toMatch(/long\s+1\s.*stopped/);
    expect((await reana('start', '-w', 'long')).out).toContain(
      'Workflow long.1 is already stopped and cannot be started again.',
    );
    expect((await reana('stop', '-w', 'long', '--force')).out).toContain('is not running');
    expect((await reana('restart', '-w', 'long')).out).toContain('Only finished or failed workflows can be restarted.');
    expect(await good('delete', '-w', 'long')).toContain('long has been deleted');
    expect(await good('list')).not.toContain('long');
    expect(await good('list', '--all')).toMatch(/long\s+1\s.*deleted/);
    await good('create', '-n', 'long', '-f', 'long.yaml');
    expect(await good('list', '--filter', 'name=long', '-v', '--include-workspace-size')).toMatch(/long\s+2\s/);
    await good('delete', '-w', 'hello', '--include-all-runs');
    expect(await good('list')).not.toContain('hello');
  });

  it('keeps secrets', async () => {
    await writeFile(join(cwd, 'key.pem'), 'secret bytes\n');
    expect(await good('secrets-add', '--env', `PASSWORD=${wrongPassword}`, '--file', 'key.pem')).toContain(
      'successfully uploaded',
    );
    expect((await reana('secrets-add', '--env', 'PASSWORD=x')).out).toContain('already exists');
    expect(await good('secrets-add', '--env', `PASSWORD=${wrongPassword}`, '--overwrite')).toContain('successfully');
    const listed = await good('secrets-list');
    expect(listed).toMatch(/PASSWORD\s+env/);
    expect(listed).toMatch(/key.pem\s+file/);
    expect((await reana('secrets-delete', 'nothing')).out).toContain('nothing');
    expect(await good('secrets-delete', 'key.pem', 'PASSWORD')).toContain('successfully deleted');
    expect(await good('secrets-list')).not.toContain('PASSWORD');
  });

  it('gets errors that say what is wrong', async () => {
    expect((await as(wrongPassword, 'ping')).out).toContain('INVALID ACCESS TOKEN');
    expect((await as(wrongPassword, 'list')).out).toContain('Token not valid.');
    expect((await reana('status', '-w', 'unknown')).out).toContain(
      'REANA_WORKON is set to unknown, but that workflow does not exist.',
    );
    expect((await reana('close', '-w', 'second')).out).toContain('has no open interactive session');
    expect((await reana('create', '-n', 'a.b')).out).toContain('illegal character');
  });

  it('leaves no token and no secret in the log', async () => {
    expect(edge.said.length).toBeGreaterThan(50);
    expect(edge.said.join('\n')).not.toContain(token);
    expect(edge.said.join('\n')).not.toContain(wrongPassword);
    expect(existsSync(join(edge.dir, 'incoming'))).toBe(true);
  });
});
