import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PythonEngine } from '../../../src/reana/engines/python.js';
import { runIn, type Workflow } from './workflows.js';

/** An edge that has one run, to be killed. Arguments: directory, language. */
const [base = '', kind = ''] = process.argv.slice(2);
const workflow = JSON.parse(await readFile(join(base, 'workflow.json'), 'utf8')) as Workflow;
const { run, engine } = await runIn(base, kind as PythonEngine, workflow);
await engine.run(run, new AbortController().signal);
