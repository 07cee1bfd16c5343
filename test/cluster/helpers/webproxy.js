// @ts-nocheck: it runs by itself on a host of the lab
// Stands in for the HTTP proxy of a site, such as squid: it forwards GET, and CONNECT to port 443 only, as squid's own
// configuration does. Each request is a line in /tmp/proxy.log. Beside it is a web server that only it can reach.
const http = require('node:http');
const net = require('node:net');
const { appendFileSync } = require('node:fs');

const [inner, outer] = process.argv.slice(2);
http.createServer((_request, response) => response.end('from outside\n')).listen(8080, outer);
const note = (request, words) => appendFileSync('/tmp/proxy.log', `${words} from ${request.socket.remoteAddress}\n`);
const proxy = http.createServer((request, response) => {
  note(request, `GET ${request.url}`);
  http
    .get(request.url, answer => answer.pipe(response))
    .on('error', error => response.writeHead(502).end(`${error.message}\n`));
});
proxy.on('connect', (request, socket, head) => {
  note(request, `CONNECT ${request.url}`);
  const [host, port] = request.url.split(':');
  if (port !== '443') return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  const far = net.connect(443, host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    far.write(head);
    far.pipe(socket).pipe(far);
  });
  far.on('error', () => socket.destroy());
  return socket.on('error', () => far.destroy());
});
proxy.listen(3128, inner);
