import { randomUUID } from 'node:crypto';
import { Pool as HttpPool } from 'undici';

/** More than the order API has to its database, so that requests wait there and not in this client's socket queue. */
const httpConnections = 100;

/** Returns a pool of connections to an order API on this machine. They are opened on demand. */
export function connectTo(port: number): HttpPool {
  return new HttpPool(`http://127.0.0.1:${port}`, { connections: httpConnections, pipelining: 1 });
}

/**
 * Returns a random id, like those of real orders: ascending ids would spare the Postgres indexes most of their work.
 */
export function newOrderId(): string {
  return randomUUID();
}

/** Places a new order over HTTP and returns its id. @throws Error unless it is accepted */
export async function placeOrder(http: HttpPool): Promise<string> {
  const orderId = newOrderId();
  const { statusCode, body } = await http.request({
    method: 'POST',
    path: '/orders',
    headers: { 'content-type': 'application/json' },
    body: `{"order_id":"${orderId}","customer_id":"cust-123","items":[{"sku":"laptop","quantity":1,"price":1200.0}]}`,
  });
  const text = await body.text();
  if (statusCode !== 201) throw new Error(`POST /orders answered ${statusCode}: ${text}`);
  return orderId;
}
