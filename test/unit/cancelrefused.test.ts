import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeDownSite } from '../../src/cluster/takedown.js';
import { LeftoverError } from '../../src/errors.js';
import type { Host, RunOptions } from '../../src/hosts/host.js';
import type { Output } from '../../src/schedulers/job.js';
import { pbs } from '../../src/schedulers/pbs/index.js';
import { recorded, recordings } from '../recordings/recordings.js';
import { query } from '../schedulers/jobs.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'scailfin-refused-'));
  for (const name of ['bin', 'jobs', 'test/site']) mkdirSync(join(dir, name), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function program(name: string, body: string): void {
  writeFileSync(join(dir, 'bin', name), `#!/bin/sh\ncd ${dir}/jobs\n${body}\n`, { mode: 0o755 });
}

/** A login node of PBS: the files in `jobs` are jobs, each with the name of its node. */
const host = {
  name: 'login',
  run: async ([program = '', ...args]: readonly string[], { stdin }: RunOptions = {}): Promise<Output> => {
    const env = { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, HOME: dir };
    const { stdout, stderr, status } = spawnSync(program, args, { env, encoding: 'utf8', input: String(stdin ?? '') });
    return { stdout, stderr, exitCode: status };
  },
} as unknown as Host;

function jobs(places: Record<string, string>): void {
  for (const [id, node] of Object.entries(places)) writeFileSync(join(dir, 'jobs', `${id}.login`), node);
  for (const name of pbs.survey.programs) program(name, 'exit 1');
  program('qselect', 'ls');
  program(
    'qstat',
    `for id in *; do [ -e "$id" ] || continue
  printf 'Job Id: %s\\n    Job_Name = sf-test\\n    job_state = R\\n    exec_host = %s/0*8\\n\\n' "$id" "$(cat "$id")"
done`,
  );
}

const takeDown = () =>
  takeDownSite({
    host,
    scheduler: pbs,
    cluster: 'test',
    base: dir,
    query: query({ ids: [], dir: join(dir, 'test/site') }),
    onProgress: () => {},
  });

const refusal = recorded(recordings('openpbs'), 'cancel.node-away.plain');
/** Each job ends, but for that on c2, which the server cannot reach. */
const qdel = `status=0
for id; do grep -q c2 "$id" && { echo 'qdel: Server could not connect to MOM 5.login' >&2; status=222; } || rm "$id"; done
exit $status`;

it('names the jobs that stay if the batch system refuses to end them, and ends the others', async () => {
  expect([`qdel: Server could not connect to MOM 5.login\n`, 222]).toEqual([refusal.stderr, refusal.exit]);
  jobs({ 4: 'c1', 5: 'c2', 6: 'c1' });
  program('qdel', qdel);
  const error = await takeDown().catch(e => e);
  expect(error).toBeInstanceOf(LeftoverError);
  expect(error.left).toEqual(['job 5 (R on c2) on login']);
  expect(error.message).toContain('Server could not connect to MOM');
});

it('counts each job once that ends after a refusal', async () => {
  jobs({ 4: 'c1', 5: 'c2' });
  // the job is ended although the answer says otherwise, as when a node comes back
  program('qdel', `${qdel.replace('|| rm', '; rm')}`);
  expect(await takeDown()).toBe(2);
});
