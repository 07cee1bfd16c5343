import type { Command } from 'commander';
import type { Passphrases } from '../credentials/passphrases.js';
import type { Ui } from './ui.js';

export interface SecretFlags {
  passphraseFile?: string;
  passStdin?: boolean;
}

/**
 * Passphrases come from here if nobody sits at a terminal. They never come from the command line, which other users can
 * see.
 */
export const secretOptions = (command: Command): Command =>
  command
    .option('--passphrase-file <file>', 'read passphrases from this file, one per line; only you may have access to it')
    .option('--pass-stdin', 'read passphrases from standard input, one per line');

/** @throws AuthError if the file can't be read, or if others can read it */
export async function passphrasesFrom(flags: SecretFlags, ui: Ui): Promise<Passphrases> {
  const { asked, listed } = await import('../credentials/passphrases.js');
  if (flags.passphraseFile !== undefined) {
    const [{ readSecret }, { AuthError }] = await Promise.all([
      import('../credentials/x509/files.js'),
      import('../errors.js'),
    ]);
    const content = readSecret(flags.passphraseFile, 'the passphrase file');
    if (content === undefined) throw new AuthError(`there is no passphrase file ${flags.passphraseFile}`);
    return listed(content.toString('utf8'), flags.passphraseFile);
  }
  if (flags.passStdin) {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    return listed(Buffer.concat(chunks).toString('utf8'), 'standard input');
  }
  return asked(ui.prompter(), 'run it on a terminal, or use --passphrase-file FILE or --pass-stdin');
}
