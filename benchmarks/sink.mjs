// A provider that takes everything: counts requests, bytes and recipient keys, and answers at once.
//   node benchmarks/sink.mjs          prints its port
// POST /send   202 and no body, as providers that take one body for many
// POST /batch  200 and one result per recipient, as providers that take full messages
// POST /slow   202 after 50 ms; a key (Idempotency-Key) that was taken already is answered, and nobody counted again
// POST /raw    202, and looks into nothing: the sink's own rate
// GET /stats   what it has taken; GET /reset forgets it
import http from "node:http";

const MARK = Buffer.from('"key":"');
const LONGEST = 128 + MARK.length;
let stats, seen, taken;
const reset = () => { stats = { requests: 0, bytes: 0, keys: 0 }; seen = new Set(); taken = new Set(); };
reset();

/** The keys in a body that comes in pieces; one that is cut between two pieces waits for the second. */
function scanner() {
  let rest = Buffer.alloc(0);
  const keys = [];
  return { keys, take(piece) {
    const content = rest.length ? Buffer.concat([rest, piece]) : piece;
    let at = 0, done = 0;
    while ((at = content.indexOf(MARK, at)) >= 0) {
      const end = content.indexOf(34, at + MARK.length);
      if (end < 0) { done = at; break; }
      keys.push(content.latin1Slice(at + MARK.length, end));
      at = done = end;
    }
    rest = content.subarray(at >= 0 ? done : Math.max(done, content.length - MARK.length));
    if (rest.length > LONGEST) rest = content.subarray(content.length - MARK.length);
  } };
}

function answer(response, status, document) {
  const body = document === undefined ? "" : JSON.stringify(document);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

const server = http.createServer((request, response) => {
  if (request.url === "/stats") return answer(response, 200, { ...stats, distinct: seen.size });
  if (request.url === "/reset") { reset(); return answer(response, 200, {}); }
  const scan = request.url === "/raw" ? null : scanner();
  request.on("data", (piece) => { stats.bytes += piece.length; scan?.take(piece); });
  request.on("end", () => {
    stats.requests += 1;
    if (request.url === "/slow") {
      const name = request.headers["idempotency-key"], again = taken.has(name);
      taken.add(name);
      if (again) scan.keys.length = 0;
    }
    stats.keys += scan?.keys.length ?? 0;
    scan?.keys.forEach((key) => seen.add(key));
    if (request.url === "/slow") return setTimeout(() => answer(response, 202), 50);
    if (request.url !== "/batch") return answer(response, 202);
    answer(response, 200, { results: scan.keys.map((key) => ({ key, id: `id-${key}`, error: "" })) });
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0)); // ends with whoever started it
