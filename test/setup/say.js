/** @param {string} text one line about what is done next */
export function say(text) {
  process.stdout.write(`» ${text}\n`);
}
