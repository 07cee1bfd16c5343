import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { external } from '../../src/reana/engines/external.js';
import { Tally } from '../../src/reana/engines/tally.js';
import { LocalSteps } from '../reana/local-steps.js';
import { attack } from './attack.js';

/**
 * A workflow that has got hold of its engine: behind the fence it sees its run's directory alone, but the edge, which
 * works in the same directory, sees all files of the user. `$1` is that directory, `$2` a file or directory of the user.
 */
const tricks: Readonly<Record<string, string>> = {
  'the log, when the engine is started again': 'rm "$1/engine.log"; ln -s "$2/file" "$1/engine.log"; echo stolen',
  'the log, which is shown': 'rm "$1/engine.log"; ln -s "$2/file" "$1/engine.log"; sleep 1',
  'how much of the log was shown':
    'rm -f "$1/engine.log.told"; ln -s "$2/file" "$1/engine.log.told"; echo stolen; sleep 1',
  'the next offset': 'ln -s "$2/file" "$1/engine.log.told.new"; echo stolen; sleep 1',
  'the code': 'rm -rf "$1/code"; ln -s "$2" "$1/code"',
  'the result, by a link': 'ln -s "$2/secret.json" "$1/result.json"',
  'the result, by a pipe': 'mkfifo "$1/result.json"',
  'the number of steps, by a pipe': 'mkfifo "$1/total.json"; sleep 3',
  'the number of steps, by garbage': 'echo "{" >"$1/total.json"; sleep 1',
  'the number of steps, by a text': `echo '"many"' >"$1/total.json"; sleep 1; echo '{}' >"$1/result.json"`,
  'the number of steps, by an endless file': 'ln -s /dev/zero "$1/total.json"; sleep 1',
  'the log, by a pipe': 'rm "$1/engine.log"; mkfifo "$1/engine.log"; sleep 2',
  'the reason, by an object': `echo '{"failed": {"toString": 1}}' >"$1/result.json"`,
};

describe('what a workflow leaves in the directory of its engine', () => {
  let base: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'engine-files-'));
    for (const name of ['work', 'run', 'user']) await mkdir(join(base, name));
    await writeFile(join(base, 'user/file'), 'secret');
    await writeFile(join(base, 'user/secret.json'), '{"failed": "secret"}');
  });
  afterEach(() => rm(base, { recursive: true, force: true, maxRetries: 5 }));

  attack(
    { by: 'a workflow', on: 'headnode', what: 'makes the edge read, write or wait for a file of its user' },
    async count => {
      const fake = join(base, 'python');
      const steps = new LocalSteps(join(base, 'steps'));
      for (const [name, trick] of Object.entries(tricks)) {
        const dir = join(base, 'run', String(Object.keys(tricks).indexOf(name)));
        await mkdir(dir);
        await writeFile(fake, `#!/bin/bash\nset -- "\${@: -1}" '${base}/user'\n${trick}\n`);
        await chmod(fake, 0o755);
        const engine = external('snakemake', { dir: base, enginePython: { snakemake: fake } });
        const said: string[] = [];
        const workflow = { type: 'snakemake', file: 'Snakefile' } as const;
        const began = Date.now();
        const reason = await engine
          .run(
            {
              ...{
                workflow: dir,
                workspace: join(base, 'work'),
                dir,
                steps,
                parameters: {},
                options: {},
                environment: {},
              },
              ...{ specification: { workflow }, tally: new Tally(), progress: () => {}, log: text => said.push(text) },
            },
            new AbortController().signal,
          )
          .then(
            () => '',
            error => String(error),
          );
        // the thread pool of this process still works
        expect(await readFile(join(base, 'user/file'), 'utf8'), name).toBe('secret');
        expect((await readdir(join(base, 'user'))).sort(), name).toEqual(['file', 'secret.json']);
        expect(`${reason} ${said.join('')}`, name).not.toContain('secret');
        expect(Date.now() - began, name).toBeLessThan(60_000);
        count();
      }
      await steps.close();
    },
  );
});
