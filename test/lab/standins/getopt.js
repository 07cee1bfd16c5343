/** One option as it was given; its value where it has one.
 * @typedef {{ readonly name: string, readonly value: string }} Option */

/**
 * getopt(3) for one-letter options. Options that `letters` doesn't have are told by `unknown`.
 * @param {readonly string[]} args @param {string} letters `a:fh`
 * @returns {{ options: Option[], operands: string[], unknown: string[] }}
 */
export function getopt(args, letters) {
  const [options, operands, unknown] = [
    /** @type {Option[]} */ ([]),
    /** @type {string[]} */ ([]),
    /** @type {string[]} */ ([]),
  ];
  for (let at = 0; at < args.length; at++) {
    const arg = /** @type {string} */ (args[at]);
    if (arg === '--') return { options, operands: [...operands, ...args.slice(at + 1)], unknown };
    if (!/^-./.test(arg)) {
      operands.push(arg);
      continue;
    }
    for (let n = 1; n < arg.length; n++) {
      const name = /** @type {string} */ (arg[n]);
      const known = letters.indexOf(name);
      if (known < 0 || name === ':') unknown.push(name);
      else if (letters[known + 1] !== ':') options.push({ name, value: '' });
      else {
        const inline = arg.slice(n + 1);
        options.push({ name, value: inline || (args[++at] ?? '') });
        break;
      }
    }
  }
  return { options, operands, unknown };
}

/** The words of a line, quoted or not, as a shell would tell them apart. @param {string} line @returns {string[]} */
export function words(line) {
  const found = line.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? [];
  return found.map(word => word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_, a, b, c) => a ?? b ?? c ?? ''));
}

/**
 * What the option was given last.
 * @param {readonly Option[]} options @param {string} name @returns {string | undefined}
 */
export const last = (options, name) => options.findLast(option => option.name === name)?.value;
