import { messageOf } from './errors.js';

/**
 * What strangers wrote, as one line that may stand in a message: no control or direction characters, not too long.
 * @param most characters
 */
export function harmless(text: string, most = 300): string {
  // what is cut off need not be looked at, be it a gigabyte
  const line = text.slice(0, most + 1).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

/** Of a system call that failed: what went wrong, without the paths of this machine. Of all else: its message. */
export function plainly(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return messageOf(error);
  if (typeof syscall === 'string') {
    const message = messageOf(error);
    const at = message.indexOf(`, ${syscall}`);
    return at < 0 ? code : message.slice(0, at);
  }
  // such as a name with a NUL in it, which is quoted with all before it
  return code === 'ERR_INVALID_ARG_VALUE' ? 'a name has a character that none may have' : messageOf(error);
}
