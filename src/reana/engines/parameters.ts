import { UsageError } from '../../errors.js';

/**
 * Fills `$name` and `${name}` in, as Python's string.Template.substitute does, which REANA's serial engine uses; `$$`
 * is a dollar sign.
 * @throws UsageError for a name without a value, and for a `$` that begins none
 */
export function expand(text: string, parameters: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(/\$(?:(\$)|([_a-z][_a-z0-9]*)|\{([_a-z][_a-z0-9]*)\}|)/gi, (found, dollar, plain, braced) => {
    if (dollar) return '$';
    const name: string | undefined = plain ?? braced;
    if (name === undefined) {
      throw new UsageError(`a $ in this command begins no parameter's name: ${text}`, {
        hint: 'write $$ for a dollar sign that the shell shall see',
      });
    }
    if (Object.hasOwn(parameters, name)) return String(shown(parameters[name]));
    throw new UsageError(`the parameter ${found} has no value: ${text}`, {
      hint: `give it one in inputs.parameters, or write $${found} for the shell's own variable`,
    });
  });
}

/** As Python prints it. */
function shown(value: unknown): unknown {
  if (value === true) return 'True';
  if (value === false) return 'False';
  return value === null ? 'None' : value;
}
