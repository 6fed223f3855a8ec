-- Events below this position are complete: every transaction that could still add one has ended.
-- Stable, so that it looks at the snapshot of the very statement that reads the events. A volatile function would take
-- a newer one, and a transaction that ended between the two would be passed over.
-- Ask for it as `(select event_horizon())`: once for a statement, and not once for each row that is looked at.
create or replace function event_horizon() returns bigint
language sql stable parallel safe as $$
  select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + transaction_offset from event_epoch
$$;
