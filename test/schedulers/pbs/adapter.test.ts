import { describe, expect, it } from 'vitest';
import type { BatchJobState, Output } from '../../../src/schedulers/job.js';
import { pbs } from '../../../src/schedulers/pbs/index.js';
import { outputOf, recorded, recordings } from '../../recordings/recordings.js';
import { job, query } from '../jobs.js';
import {
  answersToSubmissions,
  cancelling,
  header,
  neverSurprises,
  seen,
  submissions,
  unknowns,
  withPrograms,
} from '../pbs-family.js';
import { thrown } from '../thrown.js';

const all = recordings('openpbs');
/** A recorded `qstat -f`, as our own command line ends it. */
const listed = (name: string, at = 1795317132): Output => {
  const out = outputOf(recorded(all, name));
  return { ...out, stdout: `${out.stdout}\nasked at ${at}\n` };
};
const nothing: Output = { stdout: '\nasked at 1795317132\n', stderr: '', exitCode: 0 };
const live = (name: string, id: string) => pbs.parseList([listed(name)], query({ ids: [id] }));
const past = (name: string) => pbs.parseList([nothing, listed(name)], query());

describe('what is submitted', () => {
  it('several glide-ins are one array', () => {
    const sent = pbs.submit(job({ count: 7, queue: 'debug', account: 'm1234', gpusPerNode: 2, directives: ['-P x'] }));
    expect(header(sent.script)).toEqual([
      '-N sf-test',
      '-J 1-7',
      '-S /bin/bash',
      '-o /scratch/alice/scailfin/test/site/logs/',
      '-j oe',
      '-m n',
      '-l select=1:ncpus=4:mem=2048mb:ngpus=2',
      '-l walltime=01:00:00',
      '-q debug',
      '-A m1234',
      '-P x',
    ]);
  });

  it('one is a plain job, which may not be rerun', () => {
    for (const changes of [{ count: 1 }, { count: 1, arrays: false }]) {
      const asked = header(pbs.submit(job(changes)).script);
      expect(asked).toContain('-r n');
      expect(asked.join('\n')).not.toContain('-J');
    }
  });

  it("a site's own way to ask for nodes replaces ours", () => {
    const asked = header(pbs.submit(job({ directives: ['-l select=1:ncpus=128:model=rom'] })).script);
    expect(asked.filter(line => line.includes('select='))).toEqual(['-l select=1:ncpus=128:model=rom']);
    expect(header(pbs.submit(job({ coresPerNode: undefined, memoryPerNode: undefined })).script)).toContain(
      '-l select=1',
    );
  });

  submissions(pbs, {}, '4');
});

describe('the answer to a submission', () => {
  answersToSubmissions(pbs, all);

  const refused = (name: string) => thrown(() => pbs.parseSubmit(outputOf(recorded(all, name))));
  it("of a site's hook is told to its last line", () => {
    const { message, hint } = refused('err.submit.hook-rejects');
    expect(message).toContain('Use -A PROJECT; your projects: physics, chemistry; See https://docs.site');
    expect(hint).toContain('--account NAME');
    // a manual that follows is not
    expect(refused('err.submit.bad-array').message).toBe("PBS's qsub refused: qsub: illegal -J value");
  });
  it('of a queue that is for others says so', () => {
    expect(refused('err.submit.acl-queue').hint).toContain('--queue NAME');
  });
});

describe('the list', () => {
  it('asks for nobody else, in two commands at most', () => {
    expect(pbs.list(query())).toHaveLength(1);
    expect(pbs.list(query({ ids: ['59'] }))[1]?.argv.slice(-2)).toEqual(['59', '59[]']);
    const [queue] = pbs.list(query());
    withPrograms({ qselect: 'exit 0', qstat: 'echo all of them' }, (run, dir) => {
      expect(pbs.parseList([run(queue?.argv ?? [])], query())).toEqual([]);
      expect(seen(dir)).toEqual([['qselect', '-u', 'alice', '-N', 'sf-test']]);
    });
    const text = recorded(all, 'status.running.qstat-f').stdout.replace('= run1', '= sf-test');
    withPrograms(
      { qselect: 'echo hello; echo "39[].pbs01"; echo 40.pbs01', qstat: `cat <<'X'\n${text}X` },
      (run, dir) => {
        expect(pbs.parseList([run(queue?.argv ?? [])], query()).map(s => s.id)).toEqual(['39']);
        expect(seen(dir)[1]).toEqual(['qstat', '-t', '-f', '39[].pbs01', '40.pbs01']);
      },
    );
    withPrograms({ qselect: 'echo "Connection refused" >&2; exit 162', qstat: '' }, run => {
      thrown(() => pbs.parseList([run(queue?.argv ?? [])], query()));
    });
  });

  it.each<[string, string, BatchJobState, string, object]>([
    ['status.running.qstat-f', '39', 'running', 'R', { node: 'pbs01', secondsLeft: 286 }],
    ['status.exiting.qstat-f', '1000', 'completing', 'E', {}],
    ['status.held.qstat-f', '37', 'held', 'H', { reason: 'Hold_Types = u' }],
    ['status.depend-held.qstat-f', '40', 'held', 'H', { reason: 'depend = afterok:39.pbs01@pbs01' }],
    ['status.suspended.qstat-f', '41', 'held', 'S', {}],
    ['status.waiting.qstat-f', '38', 'queued', 'W', { reason: 'Execution_Time = Thu Dec 31 23:59:00 2026' }],
    [
      'status.being-deleted.qstat-f',
      '3019',
      'completing',
      'R',
      { reason: expect.stringMatching(/terminated by alice@login$/) },
    ],
    ['status.two-nodes.qstat-f', '3019', 'running', 'R', { allNodes: ['c1', 'c2'] }],
    ['status.queued-stopped-queue.qstat-f', '35', 'queued', 'Q', { reason: 'Not Running: Queue not started.' }],
  ])('%s', (name, id, state, word, more) => {
    expect(live(name, id)).toEqual([expect.objectContaining({ id, jobId: id, state, word, ...more })]);
    // another cluster's
    expect(pbs.parseList([listed(name)], query())).toEqual([]);
  });

  it.each<[string, BatchJobState, number | undefined]>([
    ['status.finished-ok.qstat-xf', 'finished', 0],
    ['status.finished-exit3.qstat-xf', 'failed', 3],
    ['status.killed-sig9.qstat-xf', 'failed', 137],
    ['status.killed-walltime.qstat-xf', 'failed', -29],
    ['status.killed-qsig-kill.qstat-xf', 'failed', 137],
    ['status.cancelled-pending.qstat-xf', 'cancelled', undefined],
    ['status.cancelled-force.qstat-xf', 'cancelled', 137],
  ])('history: %s', (name, state, exitCode) => {
    const [found, ...rest] = past(name);
    expect(rest).toEqual([]);
    expect([found?.state, found?.exitCode]).toEqual([state, exitCode]);
  });

  it('tasks are told one by one', () => {
    expect(past('status.array-finished.qstat-xtf').map(s => [s.id, s.jobId, s.exitCode])).toEqual([
      ['59_1', '59', 1],
      ['59_2', '59', 2],
      ['59_3', '59', 3],
    ]);
  });

  it('a task that is deleted is not counted, whether it has begun or not', () => {
    const running = live('status.task-being-deleted.qstat-tf', '3020').map(s => [s.id, s.state]);
    expect(running).toEqual([
      ['3020_1', 'completing'],
      ['3020_2', 'running'],
    ]);
    const waiting = live('status.task-deleted-pending.qstat-tf', '3021').map(s => [s.id, s.state]);
    expect(waiting).toEqual([
      ['3021_1', 'cancelled'],
      ['3021_2', 'queued'],
      ['3021_3', 'queued'],
    ]);
  });

  it('history is asked by id', () => {
    const argv = pbs.list(query({ ids: ['44', '59'] }))[1]?.argv ?? [];
    const text = recorded(all, 'status.finished-exit3.qstat-xf').stdout;
    const says = `cat <<'X'\n${text}X\necho 'qstat: Unknown Job Id 44[].pbs01' >&2; exit 153`;
    withPrograms({ qstat: says }, (run, dir) => {
      expect(pbs.parseList([nothing, run(argv)], query()).map(s => [s.id, s.exitCode])).toEqual([['44', 3]]);
      expect(seen(dir)).toEqual([['qstat', '-x', '-t', '-f', '44', '44[]', '59', '59[]']]);
    });
  });

  it('no history is no error, and jobs that left meanwhile are none either', () => {
    const running = listed('status.running.qstat-f');
    const ids = query({ ids: ['39'] });
    expect(pbs.parseList([running, outputOf(recorded(all, 'histoff.finished.qstat-xf'))], ids)).toHaveLength(1);
    expect(pbs.parseList([listed('status.finished-ok.qstat-f')], ids)).toEqual([]);
    expect(pbs.parseList([listed('histoff.finished.qstat-f')], ids)).toEqual([]);
  });

  unknowns(pbs, name => listed(name), [
    'down.qstat',
    'down.qselect',
    'histoff.finished.qstat-xf',
    'err.status.malformed-id.qstat',
  ]);
});

describe('cancelling', () => {
  const fine = ['cancel.running', 'cancel.several-mixed', 'cancel.exiting', 'err.cancel.unknown-id'];
  cancelling(pbs, all, fine, ['cancel.other-user', 'down.qdel']);

  // the server of OpenPBS 23.06 crashes if qdel names a plain job as an array: see quirk.qdel-plain-as-array
  it('names each job as what it is, and only those that are there', () => {
    const [first] = recorded(all, 'select.tasks').stdout.split('\n');
    expect(first).toBe('3021[2].login');
    const said = `${recorded(all, 'select.tasks').stdout}17.login\n170.login\nWelcome to the lab\n`;
    const { argv } = pbs.cancel(['17', '3021_3', '3021_1', '18', '18_2'], query());
    withPrograms({ qselect: `cat <<'X'\n${said}X`, qdel: 'exit 0' }, (run, dir) => {
      expect(run(argv).exitCode).toBe(0);
      expect(seen(dir)).toEqual([
        ['qselect', '-T', '-u', 'alice', '-s', 'EHQRSTUW'],
        ['qdel', '17.login'],
        ['qdel', '3021[3].login'],
      ]);
      expect(run(pbs.cancel(['3021'], query()).argv).exitCode).toBe(0);
      expect(seen(dir).at(-1)).toEqual(['qdel', '3021[].login']);
      expect(run(pbs.cancel(['1', '2'], query()).argv).exitCode).toBe(0);
      expect(seen(dir).at(-1)?.[0]).toBe('qselect');
    });
    const away = recorded(all, 'down.qselect');
    withPrograms({ qselect: `echo '${away.stderr.trim()}' >&2; exit ${away.exit}`, qdel: '' }, (run, dir) => {
      thrown(() => pbs.parseCancel(run(argv)));
      expect(seen(dir)).toHaveLength(1);
    });
    thrown(() => pbs.parseCancel(outputOf(recorded(all, 'quirk.qdel-plain-as-array'))));
  });
});

it('cut and garbled answers are unknown', () => {
  neverSurprises(pbs, all, [listed('status.running.qstat-f'), listed('status.array-finished.qstat-xtf')]);
});
