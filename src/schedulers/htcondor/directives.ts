import { type OwnOptions, own } from '../ownoptions.js';

/** Commands of a submit description, condor_submit(1), in lower case. */
const commands: OwnOptions = {
  ...Object.fromEntries(
    [
      ...['universe', 'executable', 'transfer_executable', 'arguments', 'environment', 'initialdir', 'output'],
      ...['error', 'log', 'queue', 'batch_name', 'should_transfer_files', 'max_retries'],
    ].map(key => [key, own.itself]),
  ),
  periodic_remove: own.walltime,
  request_cpus: own.cores,
  request_memory: own.memory,
  accounting_group: own.account,
};

/** In HTCondor directives are complete lines, `NAME = VALUE`. */
export function directiveProblem(directive: string): string | undefined {
  if (/^\s*#/.test(directive)) return 'must be written without its leading #…: only the option itself';
  return commands[/^\s*([\w.+]+)/.exec(directive)?.[1]?.toLowerCase() ?? ''];
}
