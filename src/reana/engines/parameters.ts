import { UsageError } from '../../errors.js';

/**
 * Replaces `$name` and `${name}` by values, as Python's string.Template.substitute does, which REANA's serial workflow
 * engine uses; `$$` is a dollar sign.
 * @throws UsageError for a name without a value, and for a `$` that is not followed by a name
 */
export function expand(text: string, parameters: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(/\$(?:(\$)|([_a-z][_a-z0-9]*)|\{([_a-z][_a-z0-9]*)\}|)/gi, (found, dollar, plain, braced) => {
    if (dollar) return '$';
    const name: string | undefined = plain ?? braced;
    if (name === undefined) {
      throw new UsageError(`a $ in this command begins no parameter's name: ${text}`, {
        hint: 'write $$ for a dollar sign that the shell should get',
      });
    }
    if (Object.hasOwn(parameters, name)) return String(shown(parameters[name]));
    throw new UsageError(`the parameter ${found} has no value: ${text}`, {
      hint: `give it a value in inputs.parameters, or write $${found} for the shell's own variable`,
    });
  });
}

/** The value as Python prints it. */
function shown(value: unknown): unknown {
  if (value === true) return 'True';
  if (value === false) return 'False';
  return value === null ? 'None' : value;
}
