-- The position of the events that this transaction writes: its own id, moved by the installation's epoch.
create or replace function event_position() returns bigint
language sql volatile parallel unsafe as $$
  select pg_current_xact_id()::text::bigint + transaction_offset from event_epoch
$$;
