/**
 * The right of one holder to work on one item until it ends or is taken away. The token fences: whoever acts under a
 * lease shows it, and it is new at each grant. All times are the database's; `serverTime` is its clock when it
 * answered, for clients that count down.
 */
export interface Lease {
  readonly itemId: string;
  readonly token: string;
  readonly holder: string;
  readonly acquiredAt: Date;
  readonly expiresAt: Date;
  readonly serverTime: Date;
}
