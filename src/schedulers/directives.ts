import { UsageError } from '../errors.js';

/**
 * One value for a directive line (`#SBATCH --account=VALUE`). The batch system itself reads these lines, so shell quoting
 * does not protect them: everything that could end the line or start another word is refused.
 * @throws UsageError naming `what`
 */
export function directiveValue(what: string, value: string): string {
  if (/^[A-Za-z0-9_@%+=:,./~^!{}[\]&*-]+$/.test(value)) return value;
  throw new UsageError(`${what} ${JSON.stringify(value)} has characters that a batch script can't carry`, {
    hint: 'use letters, digits and _ @ % + = : , . / ~ -',
  });
}

/** A complete directive from a profile, such as `-C haswell`: one line, with its words unchanged. */
export function directiveLine(text: string): string {
  for (const word of text.trim().split(/ +/)) directiveValue('the directive', word.replaceAll(/["()|<>]/g, ''));
  if (/[\r\n\0`$;\\#]/.test(text))
    throw new UsageError(`the directive ${JSON.stringify(text)} can't go into a batch script`);
  return text.trim();
}
