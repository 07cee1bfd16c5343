import { afterAll, beforeAll, describe, expect } from 'vitest';
import { scailfin, statusOf } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { attack } from './attack.js';
import { joined, scailfinUp } from './helpers/cluster.js';
import { asOwner, claimsOf, idOf, Rogue, slot, stolen, strangersOf, Thief } from './helpers/thief.js';

const reason = labUnavailable();
const by = 'a stolen glide-in token';
const on = 'headnode';
const KEY = 'sk-live-0123456789';

describe.skipIf(reason !== undefined)(`a glide-in's token${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let first = '';
  let second = '';
  let thief: Thief;
  const opened: { leave(): Promise<void> }[] = [];
  beforeAll(async () => {
    lab = await Lab.up();
    const address = await scailfinUp(lab, 'fort', ['--queue-time', '2h']);
    await scailfin(lab, 'headnode', ['scale', 'fort', '--nodes', '2']);
    await until('a second glide-in', 60_000, async () => (await joined(lab, 'fort')) === 2);
    first = await stolen(lab, 'fort', 'b1');
    second = await stolen(lab, 'fort', 'b2');
    thief = await Thief.with(lab, first, address);
    opened.push(thief);
  });
  afterAll(async () => {
    for (const one of opened.reverse()) await one.leave();
    await lab?.down();
  });

  const status = () => statusOf(lab, 'headnode', 'fort');
  const said = async () => (await scailfin(lab, 'headnode', ['status', 'fort'])).stdout;
  const queue = (...what: string[]) => asOwner(lab, 'fort', ['condor_q', '-allusers', '-af', ...what]);
  const machines = async (): Promise<string[]> =>
    (await asOwner(lab, 'fort', ['condor_status', '-af', 'Name'])).split('\n').filter(n => n.startsWith('slot1@'));

  /** A job that waits for the file `go`, and has a secret in its environment. */
  const submit = async (requirements: string): Promise<string> => {
    const lines = [
      ...['executable = /bin/sleep', 'arguments = 600', 'transfer_executable = false', 'request_memory = 100'],
      ...[
        `environment = API_KEY=${KEY}`,
        `requirements = ${requirements}`,
        'should_transfer_files = YES',
        'initialdir = /tmp/jobs',
      ],
      ...['queue', ''],
    ];
    await lab.exec('headnode', ['mkdir', '-p', '/tmp/jobs']);
    await lab.write('headnode', '/tmp/secret.sub', lines.join('\n'));
    return (await asOwner(lab, 'fort', ['condor_submit', '-terse', '/tmp/secret.sub'])).split(' ')[0] as string;
  };

  attack(
    { by, on, what: 'reads the queue, its environments, the history, logs and the configuration' },
    async count => {
      const job = await submit('False');
      expect(await queue('Environment')).toContain(KEY);
      const { stdout: address } = await lab.exec('headnode', [
        ...['sed', '-n', '1p', '/home/scail/.scailfin/fort/pool/spool/.schedd_address'],
      ]);
      const pool = '-pool "$_CONDOR_COLLECTOR_HOST"';
      const direct = `_CONDOR_SCHEDD_HOST='${address.trim()}'`;
      for (const command of [
        ...[`condor_q -allusers -l ${pool} -name fort`, `${direct} condor_q -allusers -l`, 'condor_q -global -l'],
        ...[
          `condor_history ${pool} -name fort -l`,
          `condor_status -l`,
          'condor_status -any -l',
          'condor_status -schedd -l',
        ],
        ...[
          'condor_status -submitter -l',
          `condor_fetchlog ${pool} -schedd fort SCHEDD`,
          `condor_fetchlog ${pool} fort MASTER`,
        ],
        ...[`condor_config_val ${pool} -schedd -name fort SPOOL`, `condor_config_val ${pool} -collector SPOOL`],
        ...[
          `condor_tail ${job}`,
          `condor_userprio ${pool} -all`,
          `condor_who ${pool}`,
          'condor_token_fetch -authz READ',
        ],
        ...[
          `condor_transfer_data ${pool} -name fort ${job}`,
          `condor_rm ${pool} -name fort ${job}`,
          `condor_hold ${pool} -name fort -all`,
        ],
      ]) {
        count();
        const { stdout } = await thief.run(command);
        expect(stdout, command).not.toMatch(new RegExp(`${KEY}|GlobalJobId|slot1@|pool/spool`));
      }
      const levels = ['READ', 'WRITE', 'DAEMON', 'NEGOTIATOR', 'ADMINISTRATOR', 'CONFIG', 'ADVERTISE_STARTD'];
      const more = [...levels, 'ADVERTISE_SCHEDD', 'ADVERTISE_MASTER'];
      count(2 * more.length);
      expect(await thief.rights('-type COLLECTOR', more)).toEqual(['ADVERTISE_STARTD']);
      expect(await thief.rights(`-addr '${address.trim()}' -type SCHEDD`, more)).toEqual([]);
      expect(await queue('JobStatus')).toBe('1\n');
      await asOwner(lab, 'fort', ['condor_rm', '-all']);
    },
    120_000,
  );

  attack(
    { by, on: 'c1', what: 'is used long after its glide-ins can’t be there any more, or for another submission' },
    async () => {
      const [a, b] = [claimsOf(first), claimsOf(second)];
      for (const claims of [a, b]) {
        // 30 minutes of walltime, and two hours in the queue
        expect(claims.exp - claims.iat).toBe(1800 + 7200);
        expect(claims.scope).toBe('condor:/ADVERTISE_STARTD');
      }
      expect(a.sub).not.toBe(b.sub);
      expect(a.jti).not.toBe(b.jti);
      const { stdout } = await lab.exec('login', [
        ...['sh', '-c', 'cd ~/.scailfin/fort/site && stat -c "%a %n" . tokens tokens/*; ls token 2>&1; true'],
      ]);
      expect(stdout).toContain('600 tokens/b1\n600 tokens/b2\n');
      expect(stdout).toMatch(/^700 \.\n700 tokens\n/);
      // what an older pool gave all alike is made no more
      const old = 'ls /home/scail/.scailfin/fort/pool/glidein.token';
      expect((await lab.exec('headnode', ['sh', '-c', old], { check: false })).exitCode).not.toBe(0);
    },
  );

  attack(
    { by, on, what: 'brings a machine into the pool of more cores than were asked for' },
    async () => {
      const rogue = await Rogue.begin(lab, 'c2', 'fort', 'b1', 'giant', { cores: 64, unlimited: true });
      opened.push(rogue);
      await until('it to try', 60_000, async () =>
        /Initial update sent|Failed to send/i.test(await rogue.log('StartLog')),
      );
      await new Promise(resolve => setTimeout(resolve, 3000));
      expect((await machines()).filter(name => name.includes('giant'))).toEqual([]);
      await rogue.leave();
      opened.pop();
    },
    90_000,
  );

  attack(
    { by, on, what: 'brings a machine of its own into the pool, unnoticed' },
    async count => {
      const rogue = await Rogue.begin(lab, 'c2', 'fort', 'b1', 'rogue');
      opened.push(rogue);
      const name = `slot1@rogue.${idOf(first)}@c2`;
      await until('a rogue machine', 60_000, async () => (await machines()).includes(name));
      expect(strangersOf(await status())).toEqual([name]);
      const text = await said();
      expect(text).toContain('warning: a machine is in the pool that no batch job of this cluster accounts for:');
      expect(text).toContain(`${name}, 8 cores: this cluster has no batch job rogue at lab-slurm`);
      expect(text).toContain(`scailfin token revoke fort ${idOf(first)}`);
      // one that says it is a glide-in that is there, of its own submission or of another, with what terminals would obey
      for (const id of ['1_1', '2_1']) {
        count();
        await thief.advertise('UPDATE_STARTD_AD', slot(`slot1@${id}.${idOf(first)}@c9`));
      }
      count();
      await thief.advertise('UPDATE_STARTD_AD', slot(`slot1@x\\033]0;y\\007.${idOf(first)}@c9`));
      const all = strangersOf(await status());
      expect(all).toContain(`slot1@1_1.${idOf(first)}@c9`);
      expect(all).toContain(`slot1@2_1.${idOf(first)}@c9`);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(await said()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    },
    90_000,
  );

  attack(
    { by, on, what: 'keeps its machine and a job after it was revoked, by its token or an open connection' },
    async count => {
      const name = `slot1@rogue.${idOf(first)}@c2`;
      const job = await submit('ScailfinGlidein == "rogue"');
      const running = `slot1_1@rogue.${idOf(first)}@c2\n`;
      await until('the rogue to get a job', 60_000, async () => (await queue('RemoteHost')) === running);
      const other = await submit('ScailfinGlidein == "2_1"');
      await until('the other to run', 60_000, async () => (await queue('JobStatus')) === '2\n2\n');

      const revoked = await scailfin(lab, 'headnode', ['token', 'revoke', 'fort', idOf(first)]);
      expect(revoked.stdout).toMatch(new RegExp(`^${idOf(first)} revoked; 1 glide-in cancelled`, 'm'));

      // the thief's job is back in the queue, the other one goes on
      await until('the job to come back', 60_000, async () =>
        (await queue('ClusterId', 'JobStatus')).includes(`${job.split('.')[0]} 1`),
      );
      // by its open connection the rogue updates every 20 s; by a new one the thief tries at once
      count(2);
      await thief.advertise('UPDATE_STARTD_AD', slot(`slot1@again.${idOf(first)}@c9`, { Thief: 'true' }));
      expect(await thief.rights('-type COLLECTOR', ['READ', 'ADVERTISE_STARTD'])).toEqual([]);
      const heard = async () =>
        (
          await asOwner(lab, 'fort', ['condor_status', '-constraint', `Name == "${name}"`, '-af', 'LastHeardFrom'])
        ).trim();
      const last = await heard();
      await new Promise(resolve => setTimeout(resolve, 25_000));
      expect([last, '']).toContain(await heard());
      expect((await machines()).filter(n => n.includes('again'))).toEqual([]);
      expect(await queue('ClusterId', 'JobStatus')).toBe(`${job.split('.')[0]} 1\n${other.split('.')[0]} 2\n`);
      expect((await asOwner(lab, 'fort', ['condor_q', other, '-af', 'NumShadowStarts'])).trim()).toBe('1');
      expect(await status()).toMatchObject({ state: 'running', strangers: [] });
      await asOwner(lab, 'fort', ['condor_rm', '-all']);
    },
    150_000,
  );

  attack(
    { by, on, what: 'outlives the last glide-in of its submission' },
    async () => {
      await scailfin(lab, 'headnode', ['up', 'fort', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '30m']);
      const third = idOf(await stolen(lab, 'fort', 'b3'));
      const before = JSON.parse((await scailfin(lab, 'headnode', ['token', 'list', 'fort', '--json'])).stdout);
      expect(before.map((t: { id: string; revoked: boolean }) => [t.id, t.revoked])).toEqual([
        [idOf(first), true],
        [idOf(second), false],
        [third, false],
      ]);
      await scailfin(lab, 'headnode', ['scale', 'fort', '--nodes', '1']);
      const after = JSON.parse((await scailfin(lab, 'headnode', ['token', 'list', 'fort', '--json'])).stdout);
      expect(after.filter((t: { revoked: boolean }) => !t.revoked)).toHaveLength(1);
      await until('one glide-in', 60_000, async () => (await joined(lab, 'fort')) === 1);
    },
    120_000,
  );

  attack(
    { by, on, what: 'is good for the cluster of the same name that comes after' },
    async () => {
      await scailfin(lab, 'headnode', ['down', 'fort']);
      const address = await scailfinUp(lab, 'fort');
      const late = await Thief.with(lab, second, address);
      opened.push(late);
      expect(await late.rights('-type COLLECTOR', ['READ', 'ADVERTISE_STARTD'])).toEqual([]);
    },
    90_000,
  );
});
