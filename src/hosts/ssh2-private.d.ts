/** Private parts of ssh2, whose types @types/ssh2 does not have; `rawauth.ts` and `algorithms.ts` say what they take from them. */
declare module 'ssh2/lib/protocol/*.js' {
  const parts: unknown;
  export default parts;
}
