import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, normalize, relative, resolve } from 'node:path';
import * as z from 'zod';
import { messageOf, ProfileError, UsageError } from '../errors.js';
import { Folder } from '../folder.js';
import { readYaml } from '../sites/yaml.js';
import { type Input, oneFile, wholeDirectory } from './inputs.js';
import type { Specification } from './run.js';

/** A reana.yaml with its files. */
export interface Submission {
  readonly specification: Specification;
  /** The directory of reana.yaml, or another one that was named; files are opened through it. */
  readonly folder: Folder;
  readonly files: readonly Input[];
  /** The workflow's name: that of the directory. */
  readonly name: string;
}

const mostCharacters = 2 ** 20;
const paths = z.array(z.string()).nullish();
const mapping = z.record(z.string(), z.unknown()).nullable();
const anything = mapping.optional();

/** The fields of a reana.yaml that are read here; the cluster checks the rest. */
const schema = z.looseObject({
  inputs: z.looseObject({ files: paths, directories: paths, parameters: anything, options: anything }).nullish(),
  workflow: z.looseObject({ type: z.enum(['serial', 'cwl', 'yadage', 'snakemake']), file: z.string().nullish() }),
  outputs: z.looseObject({ files: paths, directories: paths }).nullish(),
});

/**
 * Reads reana.yaml and finds its inputs, whose paths are relative to it and must not lead out of its directory.
 * @param given values that override those in the file; each must be one of its parameters
 * @param top the directory of the inputs @throws UsageError, ProfileError with line and column, FolderError naming a link that leads out
 */
export async function readSubmission(
  file: string,
  given: Readonly<Record<string, string>>,
  top = dirname(resolve(file)),
): Promise<Submission> {
  const folder = await Folder.at(top).catch(error => {
    throw new UsageError(`${file} can't be read: ${messageOf(error)}`);
  });
  await stat(file).catch(error => {
    throw new UsageError(`${file} can't be read: ${messageOf(error)}`, { hint: 'scailfin run PATH/TO/reana.yaml' });
  });
  const specification = parsed(await textOf(folder, relative(top, resolve(file)), file, 'a reana.yaml'), file);
  const parameters = await parametersOf(specification, folder, file);
  if (specification.inputs) specification.inputs.parameters = parameters;
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(parameters, name)) continue;
    throw new UsageError(`${file} has no parameter ${name}`, {
      hint: `it has ${Object.keys(parameters).join(', ') || 'none'}`,
    });
  }
  const { inputs, workflow } = specification;
  // the workflow's own files are uploaded, too, so that its workflow engine can read them
  const named = [...(inputs?.files ?? []), ...(workflow.file ? [workflow.file] : [])].map(within);
  const files = new Map<string, Input>();
  const add = (input: Input): void => void files.set(input.path, input);
  for (const path of named) add(await oneFile(folder, path));
  for (const path of (inputs?.directories ?? []).map(within)) await wholeDirectory(folder, path, add);
  const name = basename(top).replaceAll('.', '-') || 'workflow';
  // reana-client's own parser also turns a key without a value into null
  return { specification: specification as Specification, folder, files: [...files.values()], name };
}

/**
 * CWL and Snakemake workflows may have their parameters in a file of their own, which `parameters.input` names. REANA's own
 * client reads it, too (reana-commons, load_input_parameters).
 */
async function parametersOf(
  { inputs, workflow }: z.output<typeof schema>,
  folder: Folder,
  file: string,
): Promise<Record<string, unknown>> {
  const parameters = inputs?.parameters ?? {};
  const { input } = parameters;
  if (!['cwl', 'snakemake'].includes(workflow.type) || typeof input !== 'string') return parameters;
  const path = within(input);
  await oneFile(folder, path);
  return (
    readYaml(
      await textOf(folder, path, join(dirname(file), path), 'a file of parameters'),
      join(dirname(file), path),
      mapping,
      [],
      mostCharacters,
    ) ?? {}
  );
}

function parsed(text: string, file: string): z.output<typeof schema> {
  try {
    return readYaml(text, file, schema, [], mostCharacters);
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    throw new ProfileError(file, error.issues, { hint: 'its format: https://docs.reana.io/reference/reana-yaml' });
  }
}

/** @throws FolderError if it is a link that leads out, because its content is sent to the cluster, too */
async function textOf(folder: Folder, name: string, file: string, what: string): Promise<string> {
  const handle = await folder.open(name);
  try {
    if ((await handle.stat()).size > 4 * mostCharacters) throw new UsageError(`${file} is too large to be ${what}`);
    return await readFile(handle, 'utf8');
  } finally {
    await handle.close();
  }
}

/** @throws UsageError for a path that leads out of the directory of reana.yaml */
function within(path: string): string {
  const plain = normalize(path).replace(/\/$/, '') || '/';
  if (!plain.startsWith('/') && plain !== '..' && !plain.startsWith('../') && !plain.includes('\0')) return plain;
  throw new UsageError(`the input ${path} is outside of the directory of reana.yaml`, {
    hint: 'put it beside that file',
  });
}
