import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { parseKey } from '../../src/credentials/sshproxy.js';
import { parseResponse } from '../../src/credentials/x509/myproxy-wire.js';
import { comparable } from '../../src/credentials/x509/name.js';
import { derOf, pemBlocks } from '../../src/credentials/x509/pem.js';
import { maySign, parseSigningPolicy } from '../../src/credentials/x509/policy.js';
import { parseAnswer } from '../../src/credentials/x509/voms.js';
import { parseVomses } from '../../src/credentials/x509/vomses.js';
import { nameFor } from '../../src/doctor/patient.js';
import { parseReport } from '../../src/doctor/report.js';
import { urlAnswer } from '../../src/doctor/urls.js';
import { failureOf } from '../../src/headnode/minikube/events.js';
import { partsOf } from '../../src/headnode/minikube/health.js';
import { helmFailure, isPending } from '../../src/headnode/reana/helmwords.js';
import { runAll } from '../../src/hosts/batch.js';
import type { Host } from '../../src/hosts/host.js';
import { knownKeys } from '../../src/hosts/knownhosts.js';
import { complaint, isAboutHostKey } from '../../src/hosts/openssh/complaints.js';
import { SshLog } from '../../src/hosts/openssh/log.js';
import { keyValues } from '../../src/hosts/script.js';
import type { SshSettings } from '../../src/hosts/sshconfig.js';
import { parseTarget } from '../../src/hosts/target.js';
import { failedFile } from '../../src/hosts/transfer.js';
import { parseGrowth } from '../../src/htcondor/growth.js';
import { parsePool } from '../../src/htcondor/query.js';
import { parseEvent, takeEvents } from '../../src/htcondor/userlog.js';
import { printable } from '../../src/printable.js';
import type { Output } from '../../src/schedulers/job.js';
import { readerOf, schedulerFor, schedulerNames, siteSchedulers } from '../../src/schedulers/registry.js';
import { parseDuration, parseMemory } from '../../src/units.js';
import { job, query } from '../schedulers/jobs.js';
import { attack } from './attack.js';
import { hostileTexts, tooSlow } from './growth.js';
import { oneInFour } from './thorough.js';

const dir = mkdtempSync(join(tmpdir(), 'scailfin-parsers-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Read = (text: string) => unknown;

/** Something that reads text of others, in one or several ways, and words that it looks for. */
interface Parser {
  readonly name: string;
  readonly words: readonly string[];
  readonly read: Read | readonly Read[];
}

/** What makes up one thing that is read: all of these, whatever the others throw. */
const together =
  (...reads: Read[]): Read =>
  text => {
    for (const read of reads) {
      try {
        read(text);
      } catch {
        // what it makes of it is another test's
      }
    }
  };

/** The text in every place of an answer. */
const answers = (text: string): Output[] => [
  { stdout: text, stderr: '', exitCode: 0 },
  { stdout: `${text}\n`, stderr: 'x', exitCode: 0 },
  { stdout: '', stderr: text, exitCode: 1 },
  { stdout: text, stderr: text, exitCode: 255 },
];
const whole = answers('').map((_, n) => n);

/** Each of these for each answer, or for those at some places. */
const inAnswers = (reads: readonly ((out: Output) => unknown)[], places: readonly number[] = whole): Read[] =>
  places.flatMap(n =>
    reads.map(
      (read): Read =>
        text =>
          read(answers(text)[n] as Output),
    ),
  );

/** What each batch system says, as far as its adapter looks for it. */
const said: Record<string, string[]> = {
  slurm: [
    ...['Submitted batch job 1', '17_[1-3]|17|RUNNING|1:00|n1|None|sf-test', '17_[', 'slurm_load_jobs error: ', '1|'],
    ...[
      'sbatch: error: invalid account',
      'sbatch: Job 1 to start at x on node',
      'PartitionName=x MaxTime=',
      'x|1|1|1|gpu:',
    ],
    ...['JobId=1 ', 'JobId=1 JobState=R Reason=x', 'slurm 1', '{"jobs": [', '%', 'account', 'x|1|1|1|,gpu:x:'],
  ],
  torque: [
    ...[
      '1.x',
      'Job Id: 1.x',
      '<Job>',
      '<Job><Job_Id>1.x</Job_Id>',
      '<Data>',
      '<a',
      '<Job_Name>',
      'qsub: would exceed ',
    ],
    ...['Queue: x\n  a = b', '     np = 1', '\t', 'Version: ', '&#1', 'Unknown Job Id', 'default_queue = '],
  ],
  pbs: [
    ...[
      '1.x',
      'Job Id: 1.x\n    Job_Name = sf-test\n    comment = ',
      '    a = ',
      'Job Id: 1.x|a=',
      '"Variable_List": {\n}',
    ],
    ...[
      'qstat: 1.x Job has finished',
      'Queue: x\n  a = b',
      'asked at 1\n',
      'MSG=',
      'Exit_status=',
      '1.x  S  R ',
      '{"Jobs": {',
    ],
    ...['Request invalid for state of job MSG=', 'default_queue = ', 'for ', 'Variable_List": {\n'],
  ],
  lsf: [
    ...[
      'Job <1> is submitted to queue <x>.',
      'Job <1>',
      'Job <1>, Project <x>, Status <RUN>',
      ', Project <',
      'Usage: bsub',
    ],
    ...[
      'Mon Nov 22 03:14:11: Exited; The CPU time used is',
      'Mon Nov 22 03:14:11: Started on <',
      'queue',
      'job',
      'limit',
    ],
    ...[
      '1 a RUN q h ',
      '1 x RUN q h x j Nov 22 03:14',
      '1[1] ',
      'RUNLIMIT',
      ' RUNLIMIT \n',
      'QUEUE: x\n',
      'USERS: x ',
      'LSF ',
      'LSF 1',
    ],
    ...[
      'Signal <KILL> requested by ',
      'PENDING REASONS:',
      'TERM_OWNER: ',
      ' on <1*x',
      'Job <x> ',
      'exit code',
      'loadStop',
      '.; ',
    ],
    ...[
      'Nov 22 03:14',
      'Pending: ',
      'QUEUE: x\n  -1  -1 ',
      'Suspended while ',
      '{"COMMAND"',
      'Exited by signal ',
      'LSF 1 LSF',
    ],
  ],
  sge: [
    ...[
      'Your job 1 (x) has been submitted',
      '<job_list>',
      '<a b="',
      '<a b=',
      '<JB_job_number>',
      'Unable to run job: ',
      '&lt;',
    ],
    ...[
      '====================\njobnumber 1\nfailed 1 :',
      'jobnumber 1',
      'failed 0',
      'job_number: ',
      'scheduling info: ',
      'usage 1: ',
    ],
    ...[
      '1 0.5 x a r 01/01/2026 00:00:00 ',
      '1 0.5 x',
      'qname x',
      'x \\\n',
      'pe_name',
      'denied: job ',
      'has deleted job ',
      'job x',
      'GE 1',
    ],
    ...['72.1-9:', '<a><b>', 'error reason 1: ', 'error: ', '</job_list>'],
  ],
  htcondor: [
    ...[
      '1.0 - 1.0',
      '1 job(s) submitted to cluster 1.',
      '[\n',
      '[\n{"RemoveReason": "',
      '<c>',
      '<a n="x">',
      '1.0 x 1/1 1:1 ',
      '1.0',
    ],
    ...[
      'ID OWNER',
      '-- Schedd: x',
      '<1?',
      'OWNER BATCH_NAME  SUBMITTED ',
      'x 1/1 1:1 _ 1.0',
      'ERROR: ',
      'WARNING: ',
      'Extra Info:',
      'x = ',
    ],
    ...[
      'Job 1.0 has been marked',
      'All jobs matching constraint ',
      'FILESYSTEM_DOMAIN',
      '$CondorVersion: 1',
      "{'",
      '1_1',
    ],
  ],
  fork: ['live 1_1', 'job 1_1 1 1 - no', 'now 1 n', '1 '],
};

const commands: Record<string, string[]> = {
  slurm: [
    'sbatch x',
    'squeue -j 1',
    'squeue -h -o "%i|%T|%j|%r"',
    'sacct -P',
    'sacct',
    'scontrol show job',
    'scancel 1',
    'sinfo',
  ],
  torque: ['qsub x', 'qstat -x', 'qstat', 'qstat -f', 'qdel 1', 'qselect', 'tracejob 1'],
  pbs: ['qsub x', 'qstat -f -F json', 'qstat -f -F dsv', 'qstat -a', 'qstat -f 1', 'qdel 1', 'tracejob 1', 'qselect'],
  lsf: [
    'bsub x',
    'bjobs',
    'bjobs -l',
    'bjobs -A',
    'bjobs -o "jobid stat"',
    'bjobs -json',
    'bhist',
    'bhist -l',
    'bkill 1',
    'bqueues',
  ],
  sge: ['qsub x', 'qstat', 'qstat -xml', 'qstat -j 1', 'qacct -j 1', 'qstat -ext', 'qdel 1', 'qhost', 'qstat -help'],
  htcondor: ['condor_submit x', 'condor_q', 'condor_q -long', 'condor_q -json', 'condor_q -xml', 'condor_q -nobatch'],
};
commands.htcondor?.push(
  'condor_q -af ClusterId JobStatus',
  'condor_q -af:h ClusterId Cmd',
  'condor_rm 1',
  'condor_history',
);

const adapters = schedulerNames.map((name): Parser => {
  const scheduler = schedulerFor(name);
  const asked = query({ ids: ['17', '1'] });
  const places = scheduler.list(asked).length;
  // the first answer counts most: a good one with a hostile second, and the other way round
  const good = { stdout: '', stderr: '', exitCode: 0 };
  return {
    ...{ name: `the adapter of ${name}`, words: said[name] ?? [] },
    read: inAnswers([
      out => scheduler.parseSubmit(out),
      out => scheduler.parseCancel(out),
      out => scheduler.parseList(Array(places).fill(out), asked),
      out => scheduler.parseList([good, ...Array(places - 1).fill(out)], asked),
    ]),
  };
});

const surveys = siteSchedulers.map((name): Parser => {
  const survey = schedulerFor(name).survey;
  return {
    ...{ name: `the survey of ${name}`, words: said[name] ?? [] },
    read: inAnswers([
      out => survey.version.parse(out),
      out => survey.node?.parse(out),
      out => survey.queues?.parse(survey.queues.commands.map(() => out)),
      out => survey.testSubmit?.command(job()) && survey.testSubmit.parse(out),
    ]),
  };
});

const readers = Object.entries(commands).map(
  ([system, lines]): Parser => ({
    ...{ name: `the reader of ${system}`, words: said[system] ?? [] },
    read: inAnswers(
      lines.map(line => (out: Output) => readerOf(system)?.(line, out)),
      [1, 2],
    ),
  }),
);

const inXml = ['<error>', '<error><code>', '<warning>', '<ac>', 'HTTP/1.0 200 OK\r\n\r\n<error>', '&lt;'];
const credentials: Parser[] = [
  {
    ...{
      name: "MyProxy's answers",
      words: ['VERSION=MYPROXYv2', 'RESPONSE=1\nERROR=', 'ERROR=x\n', '\u001b[', 'A=\n'],
    },
    read: text => parseResponse(text, 'a server'),
  },
  {
    ...{ name: "VOMS' answers", words: inXml },
    read: text => parseAnswer(`HTTP/1.0 200 OK\r\n\r\n${text}`, 'a server'),
  },
  { name: 'lists of VOMS servers', words: ['"a" "b" "1" "c" "d"', '"'], read: text => parseVomses(text, 'vomses') },
  {
    ...{
      name: "sshproxy's answers",
      words: ['-----BEGIN PRIVATE KEY-----', '-----BEGIN A PRIVATE KEY-----\nx\n', '-----END'],
    },
    read: text => parseKey(text, 'a server'),
  },
  {
    ...{
      name: 'PEM files',
      words: ['-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----', 'Proc-Type:', '-----BEGIN A'],
    },
    read: text => pemBlocks(text).map(block => derOf(block, 'it')),
  },
  {
    ...{
      name: 'signing policies',
      words: ["access_id_CA globus '/CN=x'", 'pos_rights globus ', 'access_id_CA X509 ', 'a'],
    },
    read: [
      text => parseSigningPolicy(text, 'it'),
      text =>
        parseSigningPolicy(
          `access_id_CA X509 '/CN=x'\npos_rights globus CA:sign\ncond_subjects globus '${text}'`,
          'it',
        ),
      text => maySign([{ authority: '/CN=a', subjects: [text, '*x'] }] as never, '/CN=a', text),
    ],
  },
  { name: 'names', words: ['+', '+A', '/email=', '\\/'], read: comparable },
];

const settings = { alias: 'h', host: 'h', user: 'u', port: 22 } as SshSettings;
const logWords = [
  ...[
    'debug1: ',
    'debug1: Offering public key: ',
    'debug1: Server host key: a b\n',
    '@ HOST IDENTIFICATION HAS CHANGED',
  ],
  ...[
    '\nOffending ',
    'debug1: Found key in ',
    'Enter passphrase for key',
    'connect to host x port 1: ',
    'GSS',
    ': line 1: ',
  ],
  ...[
    'Could not resolve hostname ',
    'debug1: Authentications that can continue: ',
    'unknown option -- ',
    'open failed: ',
  ],
];
const hosts: Parser[] = [
  { name: 'banners and prompts', words: ['\u001b[1', '\u009b', '\r\n'], read: printable },
  {
    ...{ name: "what OpenSSH's client says", words: logWords },
    read: text => {
      const log = new SshLog();
      // as it comes: in pieces
      for (let at = 0; at < text.length; at += 65_536) log.take(text.slice(at, at + 65_536));
      together(
        () => log.said,
        () => log.isKeyChanged,
        () => [log.greeting, log.passed, log.tried, log.offered],
        () => log.gssapi,
        () => log.settledKeys,
        () => log.farewell,
        () => complaint({ way: [settings], program: 'ssh', log, unanswered: text, locked: [], refusedKey: false }),
        () => isAboutHostKey(text),
      )('');
    },
  },
  {
    ...{ name: 'known_hosts', words: ['h ssh-rsa AAAA', '*', '*a', '|1|a|b ssh-rsa', '@revoked '] },
    read: text => {
      const file = join(dir, 'known_hosts');
      writeFileSync(file, `${text}\n*${text.replace(/\s/g, '')}b ssh-rsa AAAA`);
      return knownKeys([file], 'a'.repeat(200));
    },
  },
  { name: 'key=value lines', words: ['a=', 'a=b\n', 'a'], read: keyValues },
  { name: 'targets', words: ['@', '[', ':', 'a@', 'ssh://', '@[:'], read: parseTarget },
  { name: 'failures of put', words: ['scailfin-file 1\n', 'scailfin-file '], read: text => failedFile([], text) },
  {
    ...{ name: 'the answers of a batch of commands', words: ['--', '--abc--0\n'] },
    read: text =>
      runAll({ run: async () => ({ stdout: text, stderr: '', exitCode: 0 }) } as unknown as Host, [{ argv: ['a'] }]),
  },
];

const event = '005 (1.0.0) 2026-11-22 00:00:00';
const pool: Parser[] = [
  {
    ...{
      name: 'what the pool says',
      words: ['pool=alive\n== slots\n', '== slots\n', '== jobs\n', 'Total for query: 1 jobs; ', 'growth=YQ=='],
    },
    read: [parsePool, text => parsePool(`pool=alive\n== slots\n[]\n== jobs\n${text}`), text => parseGrowth(text, 0)],
  },
  {
    ...{
      name: 'job event logs',
      words: [event, `${event}.0`, '...\n', `${event} x\n\t1 - MemoryUsage`, 'SlotName: ', 'Code 1', '012 (1.0.0) '],
    },
    read: [
      parseEvent,
      text => parseEvent(`${event} Job terminated.\n${text}`),
      text => parseEvent(`006 (1.0.0) 2026-11-22 00:00:00 Image size.\n${text}`),
      text => parseEvent(`012 (1.0.0) 2026-11-22 00:00:00 Job was held.\n${text}`),
      text => parseEvent(`001 (1.0.0) 2026-11-22 00:00:00 Job executing.\n${text}`),
      text => takeEvents(Buffer.from(text)),
    ],
  },
];

const ended = (stderr: string) => ({ exitCode: 1, stderr, stdout: '' }) as never;
const headnode: Parser[] = [
  {
    ...{
      name: "helm's words",
      words: ['a "b" ', 'another operation (', 'chart requires kubeVersion: ', 'User "', 'admission webhook "', 'w'],
    },
    read: [text => helmFailure(text, 'n'), isPending],
  },
  {
    ...{
      name: "minikube's words",
      words: ['stderr:', '{"type":"io.k8s.sigs.minikube.error","data":{"message":"Profile '],
    },
    read: [
      partsOf,
      text => partsOf(JSON.stringify({ type: 'io.k8s.sigs.minikube.x', data: { message: `Profile ${text}` } })),
      text => failureOf('h', [], ended(text)),
      text => failureOf('h', [{ type: 'error', data: { exitcode: '1', message: text, advice: text } }], ended('')),
    ],
  },
  {
    ...{
      name: "a node's report",
      words: ['node=', 'runtime=apptainer /a 1', 'module=', 'headnode=', 'url=', 'url=a 1 '],
    },
    read: [
      parseReport,
      text => parseReport(`runtime=apptainer /a ${text}\nurl=${text}\nmodule=${text}`),
      urlAnswer,
      nameFor,
    ],
  },
  { name: 'durations and sizes', words: ['1', '1d', '1.', '1 s'], read: [parseDuration, parseMemory] },
];

const sources: [string, 'a batch system' | 'a server' | 'a login node' | 'a compute node', Parser[]][] = [
  ['batch systems', 'a batch system', [...adapters, ...surveys, ...readers]],
  ['servers of credentials', 'a server', credentials],
  ['hosts', 'a login node', hosts],
  ['the pool', 'a compute node', pool],
  ['the headnode', 'a login node', headnode],
];

/** Days since 1970. */
const today = Math.floor(Date.now() / 86_400_000);

describe('no text that others chose takes longer to read than its length', () => {
  for (const [what, by, parsers] of sources) {
    describe(what, () => {
      for (const [turn, { name, words, read }] of parsers.entries()) {
        const run = (count: (n: number) => void): void => {
          // others each day, so that all have been tried in four days
          const texts = oneInFour(hostileTexts(words), turn + today);
          const reads = typeof read === 'function' ? [read] : read;
          const slow = texts.flatMap(text => tooSlow(reads, text));
          count(texts.length);
          expect(slow).toEqual([]);
        };
        attack({ by, on: 'here', what: `stops the program by a long text: ${name}` }, run, 300_000);
      }
    });
  }
});
