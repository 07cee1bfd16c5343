// @module-tag nightly; each time: attack/tokens
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';
import { opens, RogueNode } from './helpers/rogue.js';

const home = '/home/scail';
const pool = `${home}/.scailfin/lab-slurm/pool`;
const secret = 'a private key of the user';

/** What no compute node may read. */
const secrets = [
  `${home}/.ssh/id_test`,
  `${pool}/keys/POOL`,
  `${pool}/edge/settings.json`,
  `${home}/.local/state/scailfin/clusters/lab-slurm/reana.token`,
  // the same by the ways that /proc and links have
  `/proc/self/root${home}/.ssh/id_test`,
  `/proc/1/root${home}/.ssh/id_test`,
  `${home}/jobs/../.ssh/id_test`,
  `${pool}/log/shadow/../../keys/POOL`,
  `${pool}/lock/../keys/POOL`,
];
/** Where no compute node may write. */
const targets = [
  `${home}/BY-NODE`,
  `${home}/.ssh/authorized_keys`,
  `${home}/.profile`,
  `${pool}/condor_config`,
  `${pool}/found.config`,
  `${pool}/fence/shadow.sh`,
  `${pool}/edge/BY-NODE`,
  `${home}/jobs/../BY-NODE`,
];

/** Every way of HTCondor's remote I/O: reads, writes, links, modes, times, listings, attributes of the job. */
const everything = `
try() { name=$1; shift; if chirp "$@" >said 2>&1; then echo "GOT $name"; else echo "refused $name"; fi; }
# what it may do shows that it can attack
chirp link -s in.txt ${home}/jobs/mark && echo CHANNEL
echo planted >planted
n=0
for f in ${secrets.join(' ')}; do
  n=$((n + 1))
  try "fetch $f" fetch "$f" "got$n"
  try "readlink $f" readlink "$f" 100
  try "stat $f" stat "$f"
  try "chmod $f" chmod "$f" 777
  try "utime $f" utime "$f" 1 1
  try "link $f" link "$f" ${home}/jobs/hard$n
  [ ! -s "got$n" ] || { echo "READ $f"; cat "got$n"; }
  link=$(basename "$f")$n
  # a link is made: what it leads to must not be there
  chirp link -s "$f" "${home}/jobs/$link" >/dev/null 2>&1 && try "fetch by link $f" fetch "${home}/jobs/$link" "by$n"
done
for f in ${targets.join(' ')}; do
  try "put $f" put planted "$f"
  try "write $f" write "$f" 0 7 <planted
  try "truncate $f" truncate "$f" 0
  try "remove $f" remove "$f"
  try "hard link $f" link ${home}/jobs/in.txt "$f"
  try "access $f" access "$f" w
done
try 'getdir' getdir ${home}/.ssh
try 'getlongdir' getlongdir ${home}/.ssh
try 'rmdir' rmdir -r ${home}/.ssh
try 'attribute Iwd' set_job_attr Iwd '"${home}"'
try 'attribute UserLog' set_job_attr UserLog '"${home}/.profile"'
try 'attribute TransferInput' set_job_attr TransferInput '"${home}/.ssh/id_test"'
try 'attribute ScailfinReads' set_job_attr ScailfinReads '"${home}"'
try 'attribute LimitDirectoryAccess' set_job_attr LimitDirectoryAccess '"/"'
# output that comes back by name of a link to elsewhere
chirp link -s ${home}/.ssh/authorized_keys ${home}/jobs/out2 >/dev/null 2>&1
chirp link -s ${home}/BY-NODE ${home}/jobs/made.txt >/dev/null 2>&1
echo planted >out2
`;

const reason = labUnavailable();
describe.skipIf(reason)(`a compute node against the headnode${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let rogue: RogueNode;
  const here = async (script: string) =>
    (await lab.exec('headnode', ['bash', '-c', script], { timeoutMs: 90_000 })).stdout.trim();

  beforeAll(async () => {
    lab = await Lab.up();
    await here(`mkdir -m 700 -p ~/.ssh; echo '${secret}' >~/.ssh/id_test; echo 'mine alone' >~/.ssh/authorized_keys
      chmod 644 ~/.ssh/id_test; echo 'as it was' >~/.profile; mkdir ~/jobs; echo input >~/jobs/in.txt`);
  });
  afterAll(() => lab?.down());

  const up = async (): Promise<void> => {
    await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '1', '--reana', 'edge']);
    const [node = ''] = (await here('scailfin status --json | grep -o \'"node": *"[^"]*\' | cut -d\\" -f4')).split(
      '\n',
    );
    rogue = await RogueNode.on(lab, node as 'c1');
  };
  /** A job of the user's; its attributes as in a submit description. @returns what the node's attack printed */
  const run = async (script: string, ...lines: string[]): Promise<string> => {
    await rogue.attacks(`${script}\necho END`);
    const job = ['executable = /bin/true', 'transfer_executable = false', 'log = log', 'output = out', 'error = err'];
    const all = [
      ...job,
      'transfer_input_files = in.txt',
      'should_transfer_files = yes',
      'request_memory = 50',
      `+${opens} = True`,
      ...lines,
    ];
    await lab.write('headnode', `${home}/jobs/job.sub`, [...all, 'queue', ''].join('\n'));
    await here('cd ~/jobs; rm -f log; scailfin exec -- condor_submit job.sub');
    await expect.poll(() => rogue.said().catch(() => ''), { timeout: 60_000, interval: 500 }).toContain('END');
    // what it made is on its way back, or was refused and is tried again
    await here('sleep 3; scailfin exec -- condor_rm -all || :');
    await expect.poll(() => here('scailfin exec -- condor_q -af JobStatus'), { timeout: 60_000 }).toBe('');
    return rogue.said();
  };
  const state = () =>
    here(
      `cd; cat .ssh/authorized_keys .profile; stat -c '%n %a %h' .ssh .ssh/* .profile; sha256sum ${pool}/condor_config
      ${pool}/keys/POOL ${pool}/fence/*.sh; ls -A | grep -v '^jobs$'`.replaceAll('\n      ', ' '),
    );

  describe('behind the fence', () => {
    beforeAll(up);
    afterAll(() => scailfin(lab, 'headnode', ['down', '--yes'], { check: false }));

    const kinds: readonly [string, ...string[]][] = [
      ['a plain job'],
      ['a job that asks for I/O', '+WantIOProxy = True'],
      ['a job whose output is streamed', 'stream_output = True'],
    ];
    for (const [what, ...lines] of kinds) {
      attack(
        { by: 'a compute node', on: 'headnode', what: `all of HTCondor's remote I/O, with ${what}` },
        async count => {
          const before = await state();
          const said = await run(everything, ...lines, 'transfer_output_files = out2');
          expect(said).toContain('refused');
          expect(said).toContain('CHANNEL');
          expect(said.split('\n').filter(line => /^(GOT|READ)/.test(line))).toEqual([]);
          expect(said).not.toContain(secret);
          expect(await state()).toBe(before);
          count(said.split('\n').length);
          await here('cd ~/jobs; find . -type l -delete; rm -f out2 made.txt');
        },
        120_000,
      );
    }

    attack(
      { by: 'a compute node', on: 'headnode', what: 'output of a job that works in the home directory' },
      async () => {
        // it would have to be shown whole
        const refused = here(
          'cd; printf "executable = /bin/true\\nlog = log\\nqueue\\n" >jobs/home.sub; scailfin exec -- condor_submit jobs/home.sub 2>&1 || :',
        );
        expect(await refused).toContain('submit the job from a directory of its own');
        await here('rm -f ~/log');
      },
      60_000,
    );
  });

  describe('where no fence stands', () => {
    beforeAll(async () => {
      await here('scailfin config set fence off');
      await up();
    });

    // so that the attacks above are known to be real ones
    attack(
      { by: 'a compute node', on: 'headnode', what: 'reads a key by HTCondor, the fence switched off', accepted: 'A1' },
      async () => {
        const said = await run(`chirp fetch ${home}/.ssh/id_test got; cat got`, '+WantIOProxy = True');
        expect(said).toContain(secret);
        expect(await here('scailfin status')).toContain('no fence');
      },
      120_000,
    );
  });
});
