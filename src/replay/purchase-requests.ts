import { readFileSync } from 'node:fs';
import { parseCsv } from '../cli/seed/parse-csv.ts';

/** A line of the file. */
export interface PurchaseRequest {
  /** Its place in the file, from 1. */
  readonly line: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly customer: string;
  readonly provider: string;
  readonly item: string;
  readonly description: string;
  readonly quantity: number;
}

/** The file that comes with the project. */
export const purchaseRequestsFile = new URL('../../data/purchase-requests.csv', import.meta.url);

/**
 * Reads purchase requests, in the order of the file.
 * @param linesMax only so many, spread evenly over the file; all without it
 * @throws Error when it is not such a file
 */
export function readPurchaseRequests(file: URL | string, linesMax?: number): readonly PurchaseRequest[] {
  const rows = parseCsv(readFileSync(file, 'utf8'));
  const all = rows.map((row, index): PurchaseRequest => {
    const at = Date.parse(row.requestedAt ?? '');
    const quantity = Number(row.quantity);
    if (Number.isNaN(at) || !Number.isInteger(quantity) || !row.customer || !row.provider || !row.item)
      throw new Error(`Line ${index + 2} is not a purchase request`);
    const { customer, provider, item } = row;
    return { line: index + 1, at, customer, provider, item, description: row.description ?? '', quantity };
  });
  if (linesMax === undefined || linesMax >= all.length) return all;
  return Array.from({ length: linesMax }, (_, index) => all[Math.floor((index * all.length) / linesMax)]!);
}
