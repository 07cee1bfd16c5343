import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { CommandError, UsageError } from '../errors.js';
import { commandLine, quote } from '../shell.js';
import type { BatchCommand } from './batch.js';
import type { FileToPut, Host, Output } from './host.js';

/** The name of the temporary file beside `file`; a rename needs the same file system. */
export function temporaryName(file: string): string {
  return path.posix.join(path.posix.dirname(file), `.scailfin-${randomBytes(6).toString('hex')}.tmp`);
}

/** @throws UsageError for a path that isn't absolute, or that names a directory by a slash at its end */
export function checkPath(file: string): void {
  if (!file.startsWith('/') || file.endsWith('/')) {
    throw new UsageError(`${JSON.stringify(file)} is not an absolute file path`);
  }
}

/**
 * A shell script for standard input that writes all files, or none: first every temporary file, then every rename.
 * It is one function called on the last line, so that half a script does nothing. Contents are base64 in here-documents;
 * they are in no argument vector, because `ps` shows those to everybody on a login node.
 * After a failure its last line is `scailfin-file N`.
 */
export function putScript(files: readonly FileToPut[]): string {
  const staged = files.map(file => {
    checkPath(file.path);
    return { ...file, temporary: temporaryName(file.path) };
  });
  const lines = ['put() {', 'umask 077', `trap ${quote(`rm -f ${commandLine(staged.map(f => f.temporary))}`)} EXIT`];
  lines.push(`trap 'exit 1' HUP INT TERM`, `trap '' PIPE`); // it must clean up even if nobody reads its message
  for (const [index, file] of staged.entries()) {
    const body = Buffer.from(file.content).toString('base64').replace(/.{76}/g, '$&\n').trimEnd();
    const [to, temporary, dir] = [file.path, file.temporary, path.posix.dirname(file.path)].map(quote);
    lines.push(
      `n=${index}`,
      `[ -d ${dir} ] || mkdir -p ${dir} || fail`,
      `[ ! -d ${to} ] || { echo ${quote(`${file.path} is a directory`)} >&2; fail; }`,
      `decode >${temporary} <<'=end=' || fail`,
      body,
      '=end=',
      `chmod ${(file.mode & 0o7777).toString(8)} ${temporary} || fail`,
    );
  }
  for (const [index, file] of staged.entries()) {
    lines.push(`n=${index}`, `mv -f ${quote(file.temporary)} ${quote(file.path)} || fail`);
  }
  lines.push('}');
  return [
    'fail() { echo "scailfin-file $n" >&2; exit 1; }',
    'if base64 -d </dev/null >/dev/null 2>&1; then decode() { base64 -d; }',
    'else decode() { openssl base64 -d; }; fi',
    ...lines,
    'put',
    '',
  ].join('\n');
}

/** Reads the whole script before any of it runs; otherwise sh would read it byte by byte from the pipe. */
const putCommand = ['/bin/sh', '-c', 'script=$(cat) && eval "$script"'] as const;

/** The command that writes all files, or none; the contents are in its input. @throws UsageError for a path that isn't absolute */
export const putting = (files: readonly FileToPut[]): BatchCommand & { readonly stdin: string } => ({
  argv: putCommand,
  stdin: putScript(files),
});

/** @param output that of `putting` @throws CommandError naming the file that failed */
export function requirePut(host: Pick<Host, 'name'>, files: readonly FileToPut[], output: Output): void {
  if (output.exitCode === 0) return;
  const { file, stderr } = failedFile(files, output.stderr);
  throw new CommandError(host.name, `write ${file ?? files.map(f => f.path).join(', ')}`, output.exitCode, stderr);
}

/** The file at which put() failed, and its error without our mark. */
export function failedFile(files: readonly FileToPut[], stderr: string): { file: string | undefined; stderr: string } {
  const found = /^scailfin-file (\d+)$/m.exec(stderr);
  return {
    file: found === null ? undefined : files[Number(found[1])]?.path,
    stderr: stderr.replace(/^scailfin-file \d+\n?/m, ''),
  };
}

/** Writes `size` bytes from standard input to `to`; if fewer arrive (a broken connection), nothing is left. */
export function uploadCommand(to: string, size: number, mode: number): string[] {
  checkPath(to);
  const script = [
    'umask 077',
    `trap 'rm -f "$2"' EXIT; trap 'exit 1' HUP INT TERM; trap '' PIPE`,
    '[ ! -d "$1" ] || { echo "$1 is a directory" >&2; exit 1; }',
    'mkdir -p "$5" && cat >"$2" || exit 1',
    'got=$(($(wc -c <"$2"))); [ "$got" -eq "$3" ] || { echo "$got of $3 bytes arrived" >&2; exit 1; }',
    'chmod "$4" "$2" && mv -f "$2" "$1"',
  ].join('\n');
  const octal = (mode & 0o7777).toString(8);
  return ['/bin/sh', '-c', script, 'sh', to, temporaryName(to), String(size), octal, path.posix.dirname(to)];
}

/** Prints the size of a file on a line of its own, then the file. */
export function downloadCommand(from: string): string[] {
  checkPath(from);
  const script = '[ -f "$1" ] || { echo "$1 is not a file" >&2; exit 1; }; wc -c <"$1" && exec cat "$1"';
  return ['/bin/sh', '-c', script, 'sh', from];
}
