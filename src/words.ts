import { messageOf } from './errors.js';

/**
 * Text from others as one line that is safe in a message: without control or direction characters, and not too long.
 * @param most characters
 */
export function harmless(text: string, most = 300): string {
  // only the part that is kept is checked: the text may be a gigabyte
  const line = text.slice(0, most + 1).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

/** For a failed system call: the reason without the paths of this machine. For other errors: their message. */
export function plainly(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return messageOf(error);
  if (typeof syscall === 'string') {
    const message = messageOf(error);
    const at = message.indexOf(`, ${syscall}`);
    return at < 0 ? code : message.slice(0, at);
  }
  // for example a name with a NUL, which is quoted together with everything before it
  return code === 'ERR_INVALID_ARG_VALUE' ? 'a name has a character that none may have' : messageOf(error);
}
