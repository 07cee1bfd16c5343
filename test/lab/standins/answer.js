/** What a command says and how it ends. @typedef {{ stdout: string, stderr: string, exit: number }} Answer */

/** @param {string} stdout @returns {Answer} */
export const says = stdout => ({ stdout, stderr: '', exit: 0 });
/** @param {number} exit @param {string} stderr @returns {Answer} */
export const refuses = (exit, stderr) => ({ stdout: '', stderr: `${stderr}\n`, exit });
