import { afterAll, beforeAll, describe, expect } from 'vitest';
import { scailfin } from '../cluster/helpers/cluster.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { attack } from './attack.js';

const reason = labUnavailable();

const specification = `inputs: {files: [evil.sh]}
workflow:
  type: serial
  specification: {steps: [{name: evil, environment: '', commands: [sh evil.sh]}]}
`;
/** A title, clear screen, a question to the device, 8-bit CSI, bidi, a control string, a line that is written over. */
const printed = '\u001b]0;owned\u0007 \u001b[2J \u001b[6n \u009b2J \u202eexe \u001bP+q\u001b\\ good\rEVIL';
const script = `cat <<'END'\n${printed}\nEND\ncat >&2 <<'END'\n${printed}\nEND\nexit 3\n`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const dangerous = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

describe.skipIf(reason !== undefined)(`a step of a real cluster${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.up();
    await lab.write('headnode', 'evil/reana.yaml', specification);
    await lab.write('headnode', 'evil/evil.sh', script);
    const words = ['up', 'evil', '--site', 'lab-slurm', '--walltime', '10m', '--framework', 'reana'];
    const up = await scailfin(lab, 'headnode', words);
    expect(up.exitCode, up.stderr).toBe(0);
  }, 240_000);
  afterAll(() => lab?.down());

  attack(
    { by: 'a step', on: 'headnode', what: 'prints escapes through the real `scailfin run` and `logs`' },
    async count => {
      const run = await scailfin(lab, 'headnode', ['run', 'evil/reana.yaml'], { check: false });
      expect(run.exitCode, run.stderr).toBe(1);
      expect(run.stderr).toContain('step evil printed:');
      expect(run.stderr).toContain('EVIL');
      expect(run.stdout + run.stderr).not.toMatch(dangerous);
      count(7);
      for (const args of [['logs'], ['status'], ['status', '--json'], ['logs', '--headnode']]) {
        const said = await scailfin(lab, 'headnode', args);
        expect(said.exitCode, said.stderr).toBe(0);
        expect(said.stdout + said.stderr, args.join(' ')).not.toMatch(dangerous);
        count();
      }
    },
    240_000,
  );
});
