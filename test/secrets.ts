/**
 * Every password, passphrase and one-time code that tests type or hand to servers. Each stands out, so that a search of
 * logs, errors, journals and process lists for them can't miss.
 */
export const passphrase = 'kx-passphrase-7Rq2';
export const wrongPassphrase = 'kx-wrong-passphrase-7Rq2';
export const password = 'kx-password-9Tb4';
export const wrongPassword = 'kx-wrong-password-9Tb4';
/** oathtool's key for TOTP (RFC 6238), as hexadecimal digits. */
export const totpKey = '3132333435363738393031323334353637383930';
/** Codes where the server is a double: any six digits would do, these are told apart from ports and times. */
export const code = '803461';
export const nextCode = '920578';
export const wrongCode = '000001';

/** All that must be found nowhere. The TOTP codes of a moment are for their test to add. */
export const secrets: readonly string[] = [
  passphrase,
  wrongPassphrase,
  password,
  wrongPassword,
  totpKey,
  code,
  nextCode,
];
