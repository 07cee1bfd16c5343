/** The build puts the library beside the page. */
export { default } from '@dagrejs/dagre';
