import { createHmac } from 'node:crypto';

/** The path where a REANA of ours proves its identity; the client sends a random word. */
export const proofPath = '/api/scailfin/proof';

/**
 * The answer that only a server with the token can compute, for a word that nobody used before. It includes the port, so
 * that a server that took over a port can't let the owner of another port answer.
 * @param token secret
 */
export const proofOf = (token: string, port: number, nonce: string): string =>
  createHmac('sha256', token).update(`scailfin proof ${port} ${nonce}`).digest('base64url');
