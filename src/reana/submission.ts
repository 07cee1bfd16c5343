import { readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, normalize, relative, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { messageOf, UsageError } from '../errors.js';
import type { Specification } from './run.js';

/** A reana.yaml, and the files that go with it. */
export interface Submission {
  readonly specification: Specification;
  /** Local file → path in the workspace. */
  readonly files: readonly { readonly local: string; readonly path: string }[];
  /** Name for the workflow: that of the directory. */
  readonly name: string;
}

const types = ['serial', 'cwl', 'yadage', 'snakemake'];

/**
 * Reads reana.yaml and finds its inputs, which are named relative to it.
 * @param given values over those in the file; each must be a parameter of it
 * @throws UsageError naming the file and what is wrong in it
 */
export async function readSubmission(file: string, given: Readonly<Record<string, string>>): Promise<Submission> {
  const specification = checked(file);
  const parameters = specification.inputs?.parameters ?? {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(parameters, name)) continue;
    throw new UsageError(`${file} has no parameter ${name}`, {
      hint: `it has ${Object.keys(parameters).join(', ') || 'none'}`,
    });
  }
  const top = dirname(resolve(file));
  const { inputs, workflow } = specification;
  // what a workflow is written in goes along, so that its engine can read it there
  const named = [...(inputs?.files ?? []), ...(workflow.file ? [workflow.file] : [])];
  const found = [
    ...named.map(path => one(top, path)),
    ...(await Promise.all((inputs?.directories ?? []).map(dir => all(top, dir)))).flat(),
  ];
  const files = [...new Map(found.map(f => [f.path, f])).values()];
  return { specification, files, name: basename(top).replaceAll('.', '-') || 'workflow' };
}

function checked(file: string): Specification {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${messageOf(error)}`);
  }
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake) throw new UsageError(`${file}: ${mistake.message}`);
  const value = document.toJS() as Specification | null;
  const type = value?.workflow?.type;
  if (type === undefined || !types.includes(type)) {
    throw new UsageError(`${file}: workflow.type is ${type === undefined ? 'missing' : JSON.stringify(type)}`, {
      hint: `it is one of ${types.join(', ')}`,
    });
  }
  return value as Specification;
}

function one(top: string, path: string): { local: string; path: string } {
  const inside = within(path);
  const local = join(top, inside);
  if (!statSync(local, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`the input file ${path} is not there`, { hint: `looked for ${local}` });
  return { local, path: inside };
}

async function all(top: string, dir: string): Promise<{ local: string; path: string }[]> {
  const inside = within(dir);
  const from = join(top, inside);
  if (!statSync(from, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`the input directory ${dir} is not there`, { hint: `looked for ${from}` });
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile())
    .map(entry => {
      const local = join(entry.parentPath, entry.name);
      return { local, path: relative(top, local) };
    });
}

/** @throws UsageError for a path that leads out of the directory of reana.yaml */
function within(path: string): string {
  const plain = normalize(path);
  if (!plain.startsWith('/') && plain !== '..' && !plain.startsWith('../')) return plain;
  throw new UsageError(`the input ${path} is outside of the directory of reana.yaml`, {
    hint: 'put it beside that file',
  });
}
