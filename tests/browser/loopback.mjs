// What lies behind the captive page, on loopback: the site that the guest wanted at first, and a router's login page.
import { once } from "node:events";
import { createServer } from "node:http";

async function serve(handle) {
  const server = createServer((request, response) => {
    Promise.resolve(handle(request, response)).catch((fault) => response.writeHead(500).end(fault.message));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

function end(server) {
  server.close();
  server.closeAllConnections();
}

/** The site that the guest wanted. It answers once `open` was called, so that the page before it stays in sight until then. */
export async function wantedSite() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  const { server, url } = await serve(async (request, response) => {
    await opened;
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>News</title><h1>News of the day</h1>");
  });
  return { url: `${url}/news?page=1&of=2`, open, end: () => end(server) };
}

/** A router's `link-login-only`: keeps what is posted, hands it to `judge`, and redirects to `dst` as RouterOS does. */
export async function loginPage(judge) {
  const posted = [];
  const { server, url } = await serve(async (request, response) => {
    if (request.method !== "POST") {
      response.writeHead(405).end();
      return;
    }
    let body = "";
    for await (const part of request) {
      body += part;
    }
    const form = Object.fromEntries(new URLSearchParams(body));
    posted.push(form);
    await judge(form);
    response.writeHead(302, { location: form.dst }).end();
  });
  return { url: `${url}/login`, posted, end: () => end(server) };
}
