// A webhook handler of the usual kind: verify, one transaction with the event's id against doubles and the object's row
// overwritten where the event is not older, then 200. One process, a pool of connections, PostgreSQL with its defaults.
import http from "node:http";
import pg from "pg";
import Stripe from "stripe";

const stripe = new Stripe("sk_test_none_is_ever_called");
const secret = process.env.STRIPE_WEBHOOK_SECRET;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });

await pool.query(`
  CREATE TABLE IF NOT EXISTS events (id text PRIMARY KEY, type text, created bigint, body jsonb);
  CREATE TABLE IF NOT EXISTS objects (id text PRIMARY KEY, object text, customer text, status text, created bigint, body jsonb);
  CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (customer);
  CREATE INDEX IF NOT EXISTS objects_by_status ON objects (object, status);
`);

async function store(event) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const stored = await client.query(
      "INSERT INTO events (id, type, created, body) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
      [event.id, event.type, event.created, JSON.stringify(event)],
    );
    const object = event.data.object;
    if (stored.rowCount === 1 && object.id) {
      await client.query(
        `INSERT INTO objects (id, object, customer, status, created, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, status = excluded.status,
           created = excluded.created, body = excluded.body WHERE objects.created <= excluded.created`,
        [object.id, object.object, object.customer ?? null, object.status ?? null, event.created, JSON.stringify(object)],
      );
    }
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    try {
      const event = stripe.webhooks.constructEvent(Buffer.concat(chunks), request.headers["stripe-signature"], secret);
      await store(event);
      response.writeHead(200, { "content-type": "application/json" }).end('{"received":true}');
    } catch (error) {
      response.writeHead(error.type === "StripeSignatureVerificationError" ? 400 : 500).end(String(error.message));
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
