/** X509_USER_PROXY, or where Globus has a user's proxy. */
export function proxyFile(env: NodeJS.ProcessEnv = process.env): string {
  return env.X509_USER_PROXY || `/tmp/x509up_u${process.getuid?.() ?? 0}`;
}
